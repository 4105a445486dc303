"""Opens a whole disk exclusively, writes an image to it, and reads it back.

The partition table is erased first and written last, after everything else was read back: an incompletely written card
is empty for every computer.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nampedal.firmware.base.errors import DeployError, FileAccessError, FlashImageError
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.flash.disks import Disk, read_disk
from nampedal.firmware.system.flash.image_reader import CHUNK, HEAD, Image, ProgressCallback, Stage

# O_DIRECT reads have this alignment and size; at the disk's end, they end with its last sector.
PAGE = 4096
UNUSABLE = "the card is not usable"
_TRY = "write it again, with another reader or card if that does not help"


class Card:
    """An opened card. file: descriptor, open for reading and writing."""

    def __init__(self, disk: Disk, file: int) -> None:
        self.disk = disk
        self._file = file
        self._unsynced = 0

    def write(self, offset: int, data: bytes) -> None:
        """Write data at an offset. It is on the card after the next `sync` at the latest. Raises DeployError."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.pwrite(self._file, left, offset + len(data) - len(left)) :]
        except OSError as error:
            raise self._unwritten(offset, error) from error
        self._unsynced += len(data)
        if self._unsynced >= CHUNK:
            self.sync(offset)

    def sync(self, offset: int) -> None:
        """Wait until all written data is on the card. offset: named in the error message. Raises DeployError."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._unwritten(offset, error) from error
        self._unsynced = 0

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Open the card for reading from the medium itself, not from Linux's cache. Raises DeployError."""
        try:
            # Through the open descriptor: the same disk, even if another disk has got its name.
            file = os.open(f"/proc/self/fd/{self._file}", os.O_RDONLY | os.O_DIRECT)
        except OSError as error:
            raise DeployError(f"{self.disk.path}: can't be read back: {os_error_text(error)}; {UNUSABLE}") from error
        try:
            yield Reader(self.disk, file)
        finally:
            os.close(file)

    def check_same(self) -> None:
        """Check that the disk and its card are still the ones that were opened. Raises DeployError."""
        try:
            same = read_disk(self.disk.number) == self.disk
        except DeployError:
            same = False
        if not same:
            raise DeployError(f"{self.disk.path}: was pulled out or changed; nothing is written: begin again")

    def _unwritten(self, offset: int, error: OSError) -> DeployError:
        return DeployError(
            f"{self.disk.path}: can't be written at byte {offset}: {os_error_text(error)}; {UNUSABLE}: {_TRY}"
        )


class Reader:
    """Reads a card back and compares it with the written data.

    file: descriptor opened with O_DIRECT, which reads only whole pages at multiples of the page size.
    """

    def __init__(self, disk: Disk, file: int) -> None:
        self._disk = disk
        self._file = file
        self._buffer = mmap.mmap(-1, CHUNK + 2 * PAGE)

    def check(self, offset: int, data: bytes) -> None:
        """Compare the card's contents with the data, which has CHUNK bytes at most.

        Raises DeployError.
        """
        start = offset // PAGE * PAGE
        end = min(-(-(offset + len(data)) // PAGE) * PAGE, self._disk.size)
        self._read(start, end - start)
        found = self._buffer[offset - start : offset - start + len(data)]
        if found != data:
            at = next(place for place, (one, other) in enumerate(zip(found, data, strict=True)) if one != other)
            raise DeployError(
                f"{self._disk.path}: byte {offset + at} was written as {data[at]:#04x} and read back as "
                f"{found[at]:#04x}; {UNUSABLE}: {_TRY}"
            )

    def _read(self, start: int, count: int) -> None:
        done = 0
        with memoryview(self._buffer) as view:
            while done < count:
                try:
                    got = os.preadv(self._file, [view[done:count]], start + done)
                except OSError as error:
                    raise self._unread(start + done, os_error_text(error)) from error
                if got == 0:
                    raise self._unread(start + done, "the card ends there")
                done += got

    def _unread(self, at: int, why: str) -> DeployError:
        return DeployError(f"{self._disk.path}: can't be read back at byte {at}: {why}; {UNUSABLE}: {_TRY}")


@contextmanager
def open_card(disk: Disk) -> Iterator[Card]:
    """Open a disk exclusively: meanwhile, the kernel lets nobody mount it.

    Raises DeployError.
    """
    try:
        file = os.open(disk.path, os.O_RDWR | os.O_EXCL)
    except OSError as error:
        raise _unopened(disk.path, error) from error
    try:
        card = Card(disk, file)
        card.check_same()
        yield card
    finally:
        os.close(file)


def check_fits(image: Image, disk: Disk) -> None:
    """Check that the image fits on the disk. Raises DeployError."""
    if image.size > disk.size:
        raise DeployError(
            f"{disk.path}: has {disk.size:,} bytes, and {image.path} needs {image.size:,}; take a larger card"
        )


def write_image(image: Image, card: Card, stage: Stage) -> None:
    """Write an image and read it back.

    After an error, the card has no partition table, except if the very last step failed, which writes and checks the
    table.

    Raises FlashImageError and DeployError.
    """
    card.check_same()
    try:
        with stage("writing") as show:
            card.write(0, bytes(len(image.head)))
            card.sync(0)
            for offset, data in _body(image, show):
                card.write(offset, data)
            card.sync(0)
        with stage("reading back") as show, card.reading() as reader:
            for offset, data in _body(image, show):
                reader.check(offset, data)
            card.write(0, image.head)
            card.sync(0)
            reader.check(0, image.head)
    except (FlashImageError, FileAccessError) as error:
        raise FlashImageError(
            f"{image.path}: changed since it was checked; {UNUSABLE}: write it again, when the image is complete"
        ) from error


def _body(image: Image, show: ProgressCallback) -> Iterator[tuple[int, bytes]]:
    """Yield what has to be written after the head of the image: offset and bytes."""
    done = 0
    for offset, data in image.pieces():
        skip = min(max(HEAD - offset, 0), len(data))
        if data[skip:]:
            yield offset + skip, data[skip:]
        done += len(data)
        show(done, image.used)


def _unopened(path: Path, error: OSError) -> DeployError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return DeployError(
            f"{path}: can't be opened: {os_error_text(error)}; run it as root: sudo $(command -v nampedal) image "
            "flash ..."
        )
    if error.errno == errno.EBUSY:
        return DeployError(f"{path}: is used by another program or system; end that, or plug it in again")
    if error.errno == errno.EROFS:
        return DeployError(f"{path}: can't be written; an SD card, or its adapter, has a lock at its side")
    if error.errno == errno.ENOMEDIUM:
        return DeployError(f"{path}: is an empty reader; put a card into it")
    return DeployError(f"{path}: can't be opened: {os_error_text(error)}; plug it in again")
