"""How the tracker's model is made: data, fine-tuning, export, calibration and its model card.

Needs the ``train`` extra. Nothing in ``tracker`` imports from here.
"""
