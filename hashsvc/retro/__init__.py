"""Recent uploads, kept for a while, and the hunt through them for a video that was confirmed too late to stop them."""
