"""Every study in configs/ parses, plans and says what it costs. Real data where it is there; CIFAR in full size is stood in for
by files of the right lengths."""
import os
import pathlib
import tempfile
import unittest

import support

CONFIGS = support.SOURCE / "configs"


def write_cifar(path, rows, labels, classes):
    """Rows of zero pixels: `labels` label bytes, of which the last goes round the classes (the coarse one of CIFAR-100 is a
    fifth of it)."""
    image = bytes(3072)
    with open(path, "wb") as file:
        for row in range(rows):
            label = row % classes
            file.write(bytes([label // 5, label] if labels == 2 else [label]) + image)


class Configs(support.ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup((folder := tempfile.TemporaryDirectory()).cleanup)
        cls.data = pathlib.Path(folder.name)
        ten, hundred = cls.data / "data/cifar-10-batches-bin", cls.data / "data/cifar-100-binary"
        ten.mkdir(parents=True)
        hundred.mkdir()
        for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
            write_cifar(ten / name, 10000, 1, 10)
        write_cifar(hundred / "train.bin", 50000, 2, 100)
        write_cifar(hundred / "test.bin", 10000, 2, 100)
        os.symlink(ten, cls.data / "cifar-10-batches-bin")

    def plan(self, config):
        return support.call(support.PROGRAM, "plan", config, cwd=self.data, timeout=300)

    def test_every_config_plans(self):
        planned, skipped = [], []
        for config in sorted(CONFIGS.rglob("*.ini")):
            with self.subTest(config=str(config.relative_to(CONFIGS))):
                result = self.plan(config)
                needs = [word for word in ("aclImdb", "imdb") if word in result.stderr]
                if result.returncode == 2 and needs:  # features or reviews that are not there
                    skipped.append(config.name)
                    continue
                self.assertEqual(result.returncode, 0, result.stderr)
                for line in ("runs ", "cost ", "memory ", "disk "):
                    self.assertIn("\n" + line, result.stdout)
                planned.append(config.name)
        print(f"{len(planned)} configs planned; without their data: {', '.join(skipped) or 'none'}")
        self.assertGreaterEqual(len(planned), 25)

    def test_the_small_ones_are_the_experiments(self):
        """One file an experiment, in full size and in small (E9's tables come from E8's runs)."""
        full = {path.name.split("_")[0] for path in (CONFIGS / "paper").glob("e*.ini")}
        small = {path.name.split("_")[0] for path in (CONFIGS / "paper/small").glob("e*.ini")}
        self.assertEqual(full, {f"e{i:02}" for i in range(1, 13)} - {"e09"})
        self.assertEqual(small, full)


if __name__ == "__main__":
    unittest.main()
