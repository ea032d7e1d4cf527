"""Files in and out: audio, scenes, DCASE labels, SOFA. Every writer is atomic; every reader names what is wrong and where."""
