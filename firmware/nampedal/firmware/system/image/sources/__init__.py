"""The sources of an image: Debian suites, mirrors, packages, kernels."""
