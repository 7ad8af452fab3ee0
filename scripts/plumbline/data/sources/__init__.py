"""Sources of images, one module each: its name is the ``kind`` in the configuration.

A source has two functions.  ``obtain(places)`` gets its files and describes them;
``read(manifest, wanted)`` makes a :class:`plumbline.data.pool.Pool` of them.
"""
