"""An immutable folder of `.npy` arrays and a `manifest.json` that vouches for them.

Snapshots and compiled catalogues are such folders: written whole, verified before use, memory-mapped, never unpickled.
"""

import hashlib
import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from etappe.errors import DataError
from etappe.units import MIB

MANIFEST = "manifest.json"
_PIECE = 8 * MIB
"""Bytes that are copied at once."""


class ArrayInfo(msgspec.Struct, frozen=True):
    """What the manifest says of one array."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The vouching file of an array folder.

    `log_position` is the commit of the log up to which everything was seen; `digest` that of the configuration used.
    `parts` names the arrays that belong together, where that is told.
    """

    kind: str
    format: int
    version: str
    created: str
    digest: str = ""
    log_position: int = 0
    parts: dict[str, list[str]] = {}
    arrays: dict[str, ArrayInfo] = {}
    parameters: dict[str, Any] = {}
    metrics: dict[str, Any] = {}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of `folder`; DataError where it is missing or no manifest."""
        path = folder / MANIFEST
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}") from error
        except msgspec.MsgspecError as error:
            raise DataError(f"{path} is no manifest of this version: {error}") from error


def write(folder: Path, manifest: Manifest, arrays: Mapping[str, NDArray[Any]]) -> Manifest:
    """Writes `arrays` and the completed manifest as `folder`, which appears whole or not at all.

    Returns the manifest with the array descriptions filled in. Raises OSError where the disk is full.
    """
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        infos = {name: _write_array(partial / f"{name}.npy", array) for name, array in arrays.items()}
        complete = msgspec.structs.replace(manifest, arrays=infos)
        write_synced(partial / MANIFEST, msgspec.json.format(msgspec.json.encode(complete)))
        sync_folder(partial)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_folder(folder.parent)
    return complete


def open_verified(
    folder: Path, kind: str, known_format: int, own: Collection[str] = ()
) -> tuple[Manifest, dict[str, NDArray[Any]]]:
    """The manifest and the memory-mapped, read-only arrays of `folder`, each checked against its SHA-256.

    Those named by `own` can be written to: what is written is seen by this process alone, and takes the memory of the
    pages that it lies in.

    Raises:
        DataError: something is missing, damaged, or of a kind or format this version does not know.
    """
    manifest = Manifest.read(folder)
    if (manifest.kind, manifest.format) != (kind, known_format):
        found = f"{manifest.kind} format {manifest.format}"
        raise DataError(f"{folder} holds a {found}, this version reads {kind} format {known_format}; make it anew")
    return manifest, {
        name: _open_array(folder / f"{name}.npy", info, own=name in own) for name, info in manifest.arrays.items()
    }


def sync_folder(folder: Path) -> None:
    """Makes renames inside `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, data: bytes) -> None:
    """Writes a file that is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_synced(path: Path, data: bytes) -> None:
    """Puts a file in the place of what is there, whole and on the disk when this returns: one process at a time."""
    partial = path.with_name(f".{path.name}.partial")
    write_synced(partial, data)
    partial.replace(path)
    sync_folder(path.parent)


class _Mapped(np.memmap):
    """One dimension that is mapped from the beginning of its file."""


class Spooled:
    """Bytes put one behind the other on the disk, as an array that is mapped: memory does not grow with them."""

    def __init__(self, dtype: Any = np.uint8) -> None:
        self._dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with the object; what is mapped of it stays
        self._size = 0
        weakref.finalize(self, self._file.close)

    def add(self, data: bytes | NDArray[Any]) -> int:
        """Puts bytes, or an array of the same dtype, behind the others; returns how many bytes these are."""
        written = self._file.write(data if isinstance(data, bytes) else np.ascontiguousarray(data, self._dtype).data)
        self._size += written
        return written

    def array(self) -> NDArray[Any]:
        """dtype[n]: all that was added."""
        self._file.flush()
        return _Mapped(self._file, self._dtype, "r") if self._size else np.zeros(0, self._dtype)


def _write_array(path: Path, array: NDArray[Any]) -> ArrayInfo:
    with path.open("wb") as file:
        if isinstance(array, _Mapped):
            _copy_mapped(file, array)
        else:
            np.save(file, np.asarray(array, order="C"), allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return ArrayInfo(str(array.dtype), array.shape, path.stat().st_size, sha256_of(path))


def _copy_mapped(file: BinaryIO, array: _Mapped) -> None:
    """As `np.save`, a piece at a time: what was written needs to stay in memory no longer."""
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    mapped: mmap.mmap = array._mmap  # type: ignore[attr-defined] # noqa: SLF001 - numpy has no other name for it
    step = _PIECE // array.itemsize
    for start in range(0, len(array), step):
        piece = array[start : start + step]
        file.write(piece.data)
        mapped.madvise(mmap.MADV_DONTNEED, start * array.itemsize, piece.nbytes)


def _open_array(path: Path, info: ArrayInfo, *, own: bool) -> NDArray[Any]:
    try:
        if path.stat().st_size != info.bytes or sha256_of(path) != info.sha256:
            raise DataError(f"{path} is damaged: its SHA-256 is not the manifest's; publish or train anew")
        return _load(path, info, own=own)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}; publish or train anew") from error


def _load(path: Path, info: ArrayInfo, *, own: bool) -> NDArray[Any]:
    empty = 0 in info.shape
    array = np.load(path, mmap_mode=None if empty else "c" if own else "r", allow_pickle=False)
    if str(array.dtype) != info.dtype or array.shape != info.shape:
        raise DataError(f"{path} holds {array.dtype}{array.shape}, the manifest says {info.dtype}{info.shape}")
    return np.asarray(array)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
