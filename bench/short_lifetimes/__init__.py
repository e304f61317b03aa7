"""The mint with shorter lifetimes; see main.py."""
