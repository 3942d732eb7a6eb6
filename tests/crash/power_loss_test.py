"""The power goes out: for every prefix of a recorded run, folders that a file system may leave (power_loss.py). What a
journal recorded is there in all of them, and from all that were tried the study is finished to the same bytes."""
import random
import shutil
import unittest

from faulty import FULL, CrashTest, operations, preload
from power_loss import Disk, broken_promises, fingerprint, materialise

NUM_RESUMED = None if FULL else 12  # of the different images


class PowerLoss(CrashTest):
    def record(self, ranks):
        recording = self.folder / "recording"
        recording.mkdir()
        (self.folder / "place").mkdir()
        root = self.folder / "place/undisturbed"
        done = self.start("place/undisturbed", ranks, preload(self.folder / "place", record=recording))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return Disk(str(root)), operations(recording)

    def images(self, disk, done):
        """All different images of all prefixes; each must keep what was promised."""
        found, num_images = {}, 0
        for length, operation in enumerate(done, 1):
            disk.do(operation)
            for content, image in disk.images(seed=length):
                num_images += 1
                broken = list(broken_promises(disk.promised, image))
                self.assertEqual(broken, [], f"after {length} operations ({operation['name']} {operation['path']}), "
                                             f"bytes {content}")
                found.setdefault(fingerprint(image), (length, content, image))
        return list(found.values()), num_images

    def lose_power(self, ranks):
        disk, done = self.record(ranks)
        undisturbed = self.results("place/undisturbed")
        images, num_images = self.images(disk, done)
        chosen = images if NUM_RESUMED is None else random.Random(7).sample(images, NUM_RESUMED)
        for length, content, image in chosen:
            with self.subTest(length=length, content=content):
                materialise(image, self.folder / "cut")

                text = self.finish("cut", ranks)

                self.assertEqual(self.results("cut"), undisturbed, text)
                self.whole("cut")
            shutil.rmtree(self.folder / "cut", ignore_errors=True)
        print(f"{ranks} rank(s): {len(done)} prefixes, {num_images} images, {len(images)} of them different; all keep what "
              f"journals promised; {len(chosen)} were resumed, to the same bytes", flush=True)

    def test_one_rank(self):
        self.lose_power(1)

    def test_two_ranks(self):
        self.lose_power(2)


if __name__ == "__main__":
    unittest.main()
