"""Signal processing on arrays: ambisonics, head-related and array responses, convolution, spectra and features."""
