"""What meets a stranger's bytes, one function each: it takes any bytes, and nothing but a refusal may come of them."""
