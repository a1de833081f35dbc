def make(text: str) -> dict:
    return {"text": text}
