"""Published sets for sound event localisation and detection, as their publishers lay them out on disk.

:data:`~auris.data.seld_sets.catalogue.DATASETS` says what each set is, :func:`~auris.data.seld_sets.clips.find_clips` finds
its recordings and labels below a folder, :class:`~auris.data.seld_sets.chunks.SeldChunks` cuts them into training examples,
and :func:`~auris.data.seld_sets.check.check_dataset` tells what is missing or broken.
"""
