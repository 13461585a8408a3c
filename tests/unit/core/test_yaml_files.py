"""YAML files are read as they are written, or not at all."""

import pytest
import yaml
from distillation.core import yaml_files
from distillation.core.errors import InputError


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "x.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def message(path):
    with pytest.raises(InputError) as error:
        yaml_files.read(path)
    return str(error.value)


def test_what_is_written_once_is_read_as_any_reader_of_yaml_does(file):
    text = "1: a\n'1': b\na: &x {b: [1, 2.5, 1e-4, 0, 1_000, 0x10]}\nc: {<<: *x, d: *x}\n'010': \"1:30\"\n"
    assert yaml_files.read(file(text)) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("a: 1\nb: 2\na: 3\n", ["a: this key is written twice, in lines 1 and 3; keep one"]),
        (
            "a:\n  - {b: 1}\n  - {b: 1, c: 2, b: 3}\n",
            ["a.1.b: this key is written twice, in lines 3 and 3; keep one"],
        ),
        (
            "a: {b: 1}\nc: 010\na:\n  b: 1\n  b: 2\n",
            [
                "a: this key is written twice, in lines 1 and 3; keep one",
                "a.b: this key is written twice, in lines 4 and 5; keep one",
                "c: YAML does not read 010 as a decimal number; write one, or put it in quotes",
            ],
        ),
        ("010: 1\n", ["010: YAML does not read 010 as a decimal number; write one, or put it in quotes"]),
        ('a: [x, "\\e[31mred"]\n', ["a.1: the character U+001B cannot be shown; remove it"]),
        (
            '"b\\0": 1\na: "\\ud800 \\t\\n"\n',
            [
                "b\\x00: the character U+0000 cannot be shown; remove it",
                "a: the character U+D800 cannot be shown; remove it",
            ],
        ),
        ("a: [1:30]\n", ["a.0: YAML does not read 1:30 as a decimal number; write one, or put it in quotes"]),
    ],
)
def test_whatever_is_read_otherwise_than_it_is_written_is_told_at_once(file, text, errors):
    assert yaml.safe_load(text)
    path = file(text)
    assert sorted(message(path).splitlines()) == sorted(f"{path}: {error}" for error in errors)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "this file is empty; write something into it, or do not name it."),
        ("# nothing\n", "this file is empty; write something into it, or do not name it."),
        ("- 1\n", "this file must be a mapping, lines such as `key: value`; correct it."),
        ("text", "this file must be a mapping, lines such as `key: value`; correct it."),
        (
            "a: b\nc: caf\u00e9\n".encode("latin-1"),
            "line 2 is not UTF-8 (byte 0xe9); save the file as UTF-8.",
        ),
        ("a: b\n".encode("utf-16"), "line 1 is not UTF-8 (byte 0xff); save the file as UTF-8."),
        (
            "a: [\n",
            "this file is not YAML (line 2, column 1: expected the node content, but found '<stream end>');"
            " correct it.",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "this file is not YAML (line 2, column 1: but found another document); correct it.",
        ),
        (
            "a: !!python/object:os.system {}\n",
            "this file is not YAML (line 1, column 4: could not determine a constructor for the tag"
            " 'tag:yaml.org,2002:python/object:os.system'); correct it.",
        ),
        (
            "a: b\x01c\n",
            "this file is not YAML (unacceptable character #x0001: special characters are not allowed in"
            ' "<unicode string>", position 4); correct it.',
        ),
    ],
)
def test_a_file_that_is_no_mapping_of_yaml_in_utf_8_is_refused_in_a_sentence(file, content, text):
    path = file(content)
    assert message(path) == f"{path}: {text}"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    assert message(tmp_path) == f"{tmp_path}: this file cannot be read (Is a directory); name another."


def test_a_mapping_that_contains_itself_is_read_to_its_end(file):
    content = yaml_files.read(file("a: &a {b: *a}\n"))
    assert content["a"]["b"] is content["a"]


def test_the_errors_of_all_files_are_told_at_once(file, tmp_path):
    wrong = file("a: 1\na: 2\n")
    with pytest.raises(InputError) as error:
        yaml_files.read_all([wrong, tmp_path / "absent.yaml"])
    assert [line.split(": ")[1] for line in str(error.value).splitlines()] == [
        "a",
        "this file cannot be read (No such file or directory); name another.",
    ]
