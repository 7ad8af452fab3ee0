"""Sources of images, one module each: its name is the ``kind`` in the configuration.

A source has two functions.  ``obtain(places)`` provides its files and describes them;
``read(manifest, wanted)`` reads them into a :class:`plumbline.data.pool.Pool`.
"""
