"""Networks that hear. ``from_pretrained`` loads one by name or folder, ``create`` builds an untrained one."""

from auris.models.pretrained import ARCHITECTURES, SHIPPED, create, describe, from_pretrained, save_pretrained

__all__ = ["ARCHITECTURES", "SHIPPED", "create", "describe", "from_pretrained", "save_pretrained"]
