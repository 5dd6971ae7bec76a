"""Stage 2: readings become usage. Pure: values and `now` in, values out (counting.md)."""
