"""CIFAR-100 with its 100 fine classes (Krizhevsky 2009)."""

from distillation.data.formats import Format

TRAIN, TEST = ("train.bin",), ("test.bin",)
LABEL_BYTES = 2
_RECORD = LABEL_BYTES + 3 * 32 * 32

# Alphabetical, as in fine_label_names.txt of the release.
CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
wardrobe whale willow_tree wolf woman worm
"""

FORMAT = Format(
    title="CIFAR-100",
    image_size=32,
    classes=tuple(CLASSES.split()),
    train=50_000,
    test=10_000,
    # No MD5 of the single files is published.
    files={"train.bin": 50_000 * _RECORD, "test.bin": 10_000 * _RECORD},
    folder="cifar-100-binary",
    archive="cifar-100-binary.tar.gz",
    archive_md5="03b5dce01913d631647c71ecec9e9cb8",
)
