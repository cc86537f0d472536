"""Text: reads the fonts, lays text out, and draws it by ffmpeg."""
