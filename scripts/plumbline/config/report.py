"""Configuration of the stage report."""

from plumbline.config.base import Count, Section


class ReportSection(Section):
    """Figures and the report."""

    gallery_images: Count = 10
    """Rows of the attribution gallery."""
