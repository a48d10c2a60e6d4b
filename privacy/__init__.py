"""What the law asks of whoever keeps what people write: receipts of erasures, export, masks. No Ray."""
