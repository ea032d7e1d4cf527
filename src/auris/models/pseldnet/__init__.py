"""PSELDNets: pre-trained networks for sound event localisation and detection (arXiv:2411.06399).

Written anew from a specification; weights of the published networks load through
:mod:`auris.models.checkpoint_conversion`.
"""
