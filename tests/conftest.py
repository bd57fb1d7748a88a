"""One thread a process, as netwright's workers have: small networks do not gain from more."""

import torch

torch.set_num_threads(1)
