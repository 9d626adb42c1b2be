"""What a wallet may hold."""

WALLET_LIMIT_CENTS = 250_00
"""Checked when a card for oneself is ordered and when a code is redeemed. What was paid is credited all the same."""


class WalletFull(Exception):
    """With this card the wallet would hold more than it may; `room_cents` says how much it still takes."""

    def __init__(self, room_cents: int) -> None:
        super().__init__(f"room for {room_cents} cents")
        self.room_cents = room_cents
