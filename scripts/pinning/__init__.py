"""Images pinned by digest: what `scripts/pin_images` runs.

references   where files name images, and how
registry     asks a registry for a digest
__main__     the command
"""
