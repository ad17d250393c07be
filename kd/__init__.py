"""Knowledge distillation: frozen and cached teachers, losses, objectives. Knows no network."""
