"""The rules: pure values and functions, without input, output, clock or chance."""
