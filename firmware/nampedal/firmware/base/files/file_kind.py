"""Guesses what a file really is from its first bytes or its text. Used for error messages only."""

from __future__ import annotations

import re
from collections.abc import Callable

# The beginning of a file tells its format; this many bytes are searched for keys.
_MAX_SEARCHED = 8 << 20
_UNPACK = "unpack it, and give the files that are in it"
_OTHER_MODEL = "only Neural Amp Modeler's .nam is read: have the gear captured as .nam"

# Format, what to do. From the formats' own descriptions, by offset and bytes:
# zip APPNOTE 6.3.10 4.3.7 and 4.3.16; RAR 5.0 archive format; 7zFormat.txt; RFC 1952 (gzip); xz file format 1.2.0;
# RFC 8878 (Zstandard); bzip2's BZh; POSIX ustar; PNG (W3C) 5.2; JPEG (ITU-T T.81) B.1; GIF89a; PDF (ISO 32000) 7.5.2;
# RIFF and RF64 (EBU Tech 3306); AIFF-C; RFC 9639 (FLAC); RFC 3533 (Ogg); ID3v2; ISO 14496-12 (MP4);
# HDF5 format specification; NumPy's npy format; .doc's compound file ([MS-CFB]); RTF 1.9.1.
_MAGICS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", f"a zip archive; {_UNPACK}"),
    (0, b"PK\x05\x06", "an empty zip archive; copy or download it again"),
    (0, b"Rar!\x1a\x07", f"a RAR archive; {_UNPACK}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7z archive; {_UNPACK}"),
    (0, b"\x1f\x8b", f"packed by gzip; {_UNPACK}"),
    (0, b"\xfd7zXZ\0", f"packed by xz; {_UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"packed by zstd; {_UNPACK}"),
    (0, b"BZh", f"packed by bzip2; {_UNPACK}"),
    (257, b"ustar", f"a tar archive; {_UNPACK}"),
    (0, b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (0, b"%PDF-", "a PDF document"),
    (8, b"WAVE", "a sound file (WAV)"),
    (0, b"riff\x2e\x91\xcf\x11", "a sound file (W64)"),
    (8, b"AIFF", "a sound file (AIFF)"),
    (8, b"AIFC", "a sound file (AIFF)"),
    (0, b"fLaC", "a sound file (FLAC)"),
    (0, b"OggS", "a sound file (Ogg)"),
    (0, b"ID3", "a sound file (MP3)"),
    (4, b"ftyp", "a sound or video file (MP4)"),
    (4, b"STMP", "a nampedal artifact (.stomp)"),
    (4, b"TFL3", "a TensorFlow Lite model (.tflite)"),
    (0, b"\x89HDF\r\n\x1a\n", f"a Keras or HDF5 file; {_OTHER_MODEL}"),
    (0, b"\x93NUMPY", f"a NumPy array; {_OTHER_MODEL}"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office document"),
    (0, b"{\\rtf", "rich text (RTF), not plain text; in TextEdit choose Format, Make Plain Text, and save it again"),
    (0, b"bplist00", "a property list of macOS"),
    (0, b"\0\5\x16\7", "a companion file of macOS (AppleDouble); take the file of this name without ._"),
    (0, b"SQLite format 3\0", "a database (SQLite)"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
)
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: a pointer's first line.
_LFS = b"version https://git-lfs.github.com/spec/"
_PAGE = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body|script|title)\b", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(rb"\s*<\?xml\b")
# PyTorch: a zip with NAME/data.pkl (torch/csrc/jit/serialization/pickler, since 1.6), or a pickle of protocol 2 that
# begins with this number (torch/serialization.py, MAGIC_NUMBER).
_TORCH_ZIP = re.compile(rb"PK\x03\x04.{26}[^/]{1,200}/(?:data\.pkl|\.format_version|version|byteorder)", re.DOTALL)
_TORCH_PICKLE = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
# ONNX: a protobuf with ir_version as its first field (onnx.proto, ModelProto) and the producer's name as its second.
_ONNX = re.compile(rb"\x08[\x01-\x20]\x12.(?:pytorch|tf2onnx|keras2onnx|onnx|skl2onnx|CNTK)", re.DOTALL | re.IGNORECASE)
_JSON = re.compile(rb"\s*[{\[]")


def what_it_is(data: bytes) -> str:
    """Return what a file is and what to do, as the end of "is ..."; empty if unknown.

    data: the whole file, or the part of its beginning that was read.
    """
    if not data.strip(b"\0 \t\r\n"):
        return "empty" if not data.strip(b" \t\r\n") else "nothing but zero bytes; copy or download it again"
    return next((found for look in _LOOKS if (found := look(data))), "")


def _by_magic(data: bytes) -> str:
    return next((what for at, magic, what in _MAGICS if data[at : at + len(magic)] == magic), "")


def _by_other_model(data: bytes) -> str:
    if _TORCH_ZIP.match(data) or data.startswith(_TORCH_PICKLE):
        return f"a PyTorch checkpoint (.pt, .pth or .ckpt); export it as .nam with the trainer, or {_OTHER_MODEL}"
    if _ONNX.match(data):
        return f"an ONNX model; {_OTHER_MODEL}"
    return ""


def _by_page(data: bytes) -> str:
    text = data[:4096].removeprefix(b"\xef\xbb\xbf")
    if _PAGE.match(text):
        return "a web page (HTML), not the file itself; download the file with the page's download or raw button"
    if text.startswith(_LFS):
        return "a Git LFS pointer, not the file itself; download the file from the repository's page, or 'git lfs pull'"
    if _XML.match(text):
        return "XML; download the file itself"
    return ""


def _by_json(data: bytes) -> str:
    """Recognise JSON of other programs by keys that a .nam does not have."""
    if not _JSON.match(data[:64].removeprefix(b"\xef\xbb\xbf")):
        return ""
    text = data[:_MAX_SEARCHED]

    def has(*keys: bytes) -> bool:
        return all(re.search(rb'"%b"\s*:' % re.escape(key), text) for key in keys)

    if has(b"architecture", b"config", b"weights"):
        return ""
    # mikeoliphant/NeuralAudio 0298dcf, NeuralModel.cpp (CreateFromStream, ReadKerasConfig); RTNeural's model_loader.h.
    if has(b"in_shape", b"layers") or has(b"samplerate", b"layers"):
        return f"an AIDA-X (RTNeural) model; {_OTHER_MODEL}"
    # GuitarML/Proteus 5aaabbf, src/RTNeuralLSTM.cpp (load_json, set_weights).
    if has(b"model_data", b"state_dict"):
        return f"a Proteus or NeuralPi (GuitarML) model; {_OTHER_MODEL}"
    if has(b"cells") and has(b"nbformat"):
        return "a Jupyter notebook; train with it, and take the .nam that comes of it"
    return ""


_LOOKS: tuple[Callable[[bytes], str], ...] = (_by_other_model, _by_magic, _by_page, _by_json)
