"""PyTorch's side of `tuning-fork bench-data`: a DataLoader with two workers, timed on request.

Arguments: jpeg|hdf5 PATH BATCH. Says `ready`, then answers each line on standard input, a number of
batches, with the seconds they took. Every image is decoded, cropped to its middle 224 pixels, mirrored
and rotated at random with Pillow, and comes as a float32 tensor.
"""

import pathlib
import random
import sys
import time

import numpy
import torch
from PIL import Image

SIDE = 224


def prepare(image):
    left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
    image = image.crop((left, top, left + SIDE, top + SIDE))
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    image = image.rotate(random.uniform(-180, 180), resample=Image.Resampling.BILINEAR)
    return torch.from_numpy(numpy.asarray(image, dtype=numpy.float32) / 255).permute(2, 0, 1)


class Folder(torch.utils.data.Dataset):
    def __init__(self, path):
        self.files = sorted(pathlib.Path(path).glob("*/*.jpg"))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, row):
        with Image.open(self.files[row]) as image:
            return prepare(image.convert("RGB"))


class Hdf5(torch.utils.data.Dataset):
    def __init__(self, path):
        import h5py

        self.path = path
        self.file = None
        with h5py.File(path) as file:
            self.length = len(file["images"])

    def __len__(self):
        return self.length

    def __getitem__(self, row):
        import h5py

        if self.file is None:
            self.file = h5py.File(self.path)["images"]
        return prepare(Image.fromarray(self.file[row]))


def forever(loader):
    while True:
        yield from loader


def main():
    kind, path, batch = sys.argv[1:4]
    data = Folder(path) if kind == "jpeg" else Hdf5(path)
    loader = torch.utils.data.DataLoader(
        data, batch_size=int(batch), shuffle=True, num_workers=2, drop_last=True, persistent_workers=True
    )
    batches = forever(loader)
    for _ in range(6):
        next(batches)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            next(batches)
        print(time.perf_counter() - start, flush=True)


main()
