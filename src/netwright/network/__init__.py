"""What holds of any `nn.Module`: its costs, its shapes, its structure, its graph.

Nothing here knows of spaces, data or runs.
"""
