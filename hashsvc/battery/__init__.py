"""The edit battery: what re-uploaders do to a video, done to a stretch of one, as files and as readings of a frame."""
