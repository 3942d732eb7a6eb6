"""Small data files, good ones and damaged ones, for the tests of bad inputs."""
import gzip
import struct

import h5py
import numpy


def idx(array):
    header = struct.pack(">I", 0x800 + array.ndim) + b"".join(struct.pack(">I", size) for size in array.shape)
    return header + array.astype("u1").tobytes()


def write_mnist(folder, **replaced):
    """40 training and 10 test images; `replaced` gives other bytes for a file, or None to leave it out."""
    folder.mkdir()
    files = {"train_images": idx(numpy.zeros((40, 28, 28))), "train_labels": idx(numpy.arange(40) % 10),
             "t10k_images": idx(numpy.zeros((10, 28, 28))), "t10k_labels": idx(numpy.arange(10)), **replaced}
    for name, content in files.items():
        part, kind = name.split("_")
        if content is not None:
            dimensions = 3 if kind == "images" else 1
            (folder / f"{part}-{kind}-idx{dimensions}-ubyte").write_bytes(content)


def write_mnists(root):
    images = idx(numpy.zeros((40, 28, 28)))
    labels = numpy.arange(40) % 10
    write_mnist(root / "mnist")
    write_mnist(root / "mnist-magic", train_images=b"\0\0\x0d\x03" + images[4:])
    write_mnist(root / "mnist-short", train_images=images[:-1])
    write_mnist(root / "mnist-long", train_images=images + b"\0")
    write_mnist(root / "mnist-label", train_labels=idx(numpy.where(numpy.arange(40) == 7, 10, labels)))
    write_mnist(root / "mnist-count", train_labels=idx(labels[:39]))
    write_mnist(root / "mnist-size", train_images=idx(numpy.zeros((40, 27, 28))))
    write_mnist(root / "mnist-missing", t10k_labels=None)
    write_mnist(root / "mnist-gz", train_images=None)
    (root / "mnist-gz/train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images)[:-12])


def write_cifars(root):
    rows = numpy.zeros((3, 3073), "u1")
    for name, content in [("cifar-short", rows.tobytes()[:-1]), ("cifar-label", None)]:
        (root / name).mkdir()
        if content is None:
            rows[1, 0] = 10
            content = rows.tobytes()
        (root / name / "data_batch_1.bin").write_bytes(content)
        (root / name / "test_batch.bin").write_bytes(content)


def write_hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            if array is not None:
                file[name] = array


def write_data(root):
    good = {"x_train": numpy.ones((8, 4), "f4"), "y_train": numpy.arange(8) % 2,
            "x_test": numpy.ones((4, 4), "f4"), "y_test": numpy.arange(4) % 2}
    with_nan = good["x_train"].copy()
    with_nan[3, 1] = numpy.nan
    labels = good["y_train"].copy()
    labels[2] = -1
    write_hdf5(root / "data.h5", **good)
    write_hdf5(root / "data-missing.h5", **{**good, "y_test": None})
    write_hdf5(root / "data-text.h5", **{**good, "x_train": good["x_train"].astype("i4")})
    write_hdf5(root / "data-shape.h5", **{**good, "x_test": numpy.ones((4, 5), "f4")})
    write_hdf5(root / "data-nan.h5", **{**good, "x_train": with_nan})
    write_hdf5(root / "data-label.h5", **{**good, "y_train": labels})
    (root / "data-cut.h5").write_bytes((root / "data.h5").read_bytes()[:900])


def write_weights(root):
    """Of the default mlp, 64-64-10."""
    good = {"fc1.weight": numpy.ones((64, 64), "f4"), "fc1.bias": numpy.ones(64, "f4"),
            "fc2.weight": numpy.ones((10, 64), "f4"), "fc2.bias": numpy.ones(10, "f4")}
    with_nan = good["fc1.weight"].copy()
    with_nan[0, 0] = numpy.nan
    write_hdf5(root / "init.h5", **good)
    write_hdf5(root / "init-shape.h5", **{**good, "fc1.weight": good["fc1.weight"][:, :63]})
    write_hdf5(root / "init-type.h5", **{**good, "fc1.weight": good["fc1.weight"].astype("i4")})
    write_hdf5(root / "init-missing.h5", **{**good, "fc2.bias": None})
    write_hdf5(root / "init-nan.h5", **{**good, "fc1.weight": with_nan})


def write_rows(root):
    """For the 3823 training rows of optdigits."""
    write_hdf5(root / "order-range.h5", order=numpy.array([[0, 1], [2, 3823]]))
    write_hdf5(root / "order-gap.h5", order=numpy.array([[0, -1, 1], [2, 3, 4]]))
    write_hdf5(root / "order-real.h5", order=numpy.ones((2, 2)))
    write_hdf5(root / "order-all.h5", order=numpy.arange(3822).reshape(-1, 2))
    write_hdf5(root / "rows-all.h5", rows=numpy.arange(100))
    write_hdf5(root / "rows-twice.h5", rows=numpy.array([5, 7, 5]))
    write_hdf5(root / "rows-range.h5", rows=numpy.array([1, 3823]))
    with h5py.File(root / "rows-part.h5", "w") as file:
        file.create_dataset("rows", (10,), "i8", chunks=(2,))[:2] = [0, 1]
    write_hdf5(root / "rows-crash.h5", rows=numpy.arange(10))
    content = bytearray((root / "rows-crash.h5").read_bytes())
    content[8:24] = b"\xff" * 16  # the sizes in its first lines
    (root / "rows-crash.h5").write_bytes(content)
    with h5py.File(root / "order-link.h5", "w") as file:
        file["order"] = h5py.ExternalLink("init.h5", "fc1.weight")
    write_hdf5(root / "init-bool.h5", flags=numpy.array([True, False]))


def write(root):
    write_mnists(root)
    write_cifars(root)
    write_data(root)
    write_weights(root)
    write_rows(root)
