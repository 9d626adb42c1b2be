"""The chart of accounts. Labels follow the French general chart (Plan comptable général)."""

from dataclasses import dataclass

from sqlalchemy.orm import Mapped, mapped_column

from store.db import Base

STRIPE_CLEARING = "stripe_clearing"
STORED_VALUE = "stored_value"
BONUS_VALUE = "bonus_value"
HELD_VALUE = "held_value"
UNREDEEMED_CARDS = "unredeemed_cards"
TILL = "till"
RENTAL_SALES = "rental_sales"
PURCHASE_SALES = "purchase_sales"
VAT_COLLECTED = "vat_collected"
PROMOTIONS = "promotions"
GOODWILL = "goodwill"
HELD_BONUS = "held_bonus"
BANK = "bank"
STRIPE_FEES = "stripe_fees"
CUSTOMER_DEBTS = "customer_debts"
DISPUTE_CLAIMS = "dispute_claims"
BAD_DEBTS = "bad_debts"
VOUCHER_VAT = "voucher_vat"


class LedgerAccount(Base):
    """An account that postings may name; the database refuses any other."""

    __tablename__ = "ledger_account"

    code: Mapped[str] = mapped_column(primary_key=True)


@dataclass(frozen=True)
class Account:
    """A house account: its code, its number and label in the French chart."""

    code: str
    number: str
    label: str


CHART = (
    Account(STRIPE_CLEARING, "467100", "Stripe, encaissements en attente de virement"),
    Account(STORED_VALUE, "419100", "Crédit prépayé des clients, payé"),
    Account(BONUS_VALUE, "419800", "Crédit prépayé des clients, offert"),
    Account(HELD_VALUE, "419110", "Crédit prépayé des clients, retenu"),
    Account(HELD_BONUS, "419810", "Crédit prépayé des clients, offert, retenu"),
    Account(UNREDEEMED_CARDS, "419200", "Cartes prépayées vendues, non encore utilisées"),
    Account(TILL, "530000", "Caisse, cartes vendues sur place"),
    Account(RENTAL_SALES, "706100", "Locations de films"),
    Account(PURCHASE_SALES, "706200", "Ventes de films"),
    Account(VAT_COLLECTED, "445710", "TVA collectée"),
    Account(PROMOTIONS, "709000", "Remises accordées sur cartes prépayées"),
    Account(GOODWILL, "658000", "Gestes commerciaux"),
    Account(BANK, "512100", "Banque"),
    Account(STRIPE_FEES, "627800", "Stripe, frais d’encaissement et de litige"),
    Account(CUSTOMER_DEBTS, "411900", "Clients, crédit remboursé après avoir été dépensé"),
    Account(DISPUTE_CLAIMS, "467200", "Stripe, paiements contestés"),
    Account(BAD_DEBTS, "654000", "Pertes sur créances irrécouvrables"),
    Account(VOUCHER_VAT, "445800", "TVA des bons à usage unique, due dès leur vente"),
)

LOT_ACCOUNTS = (STORED_VALUE, BONUS_VALUE)
"""The liabilities whose every cent lies in a lot: a debit takes from the lot, a credit gives to it."""

ACCOUNT_OF_LOT_KIND = {"paid": STORED_VALUE, "bonus": BONUS_VALUE}
