"""The page: whole, self-contained, in order, honest about what did not run."""

import base64
import csv
import io
import re
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from fake_results import CORPORA, DATASET, METHODS
from PIL import Image
from support import ROOT

from plumbline.report import outline
from plumbline.report.claims import ledger
from plumbline.report.claims.schema import HOW_TO_READ, load_claims
from plumbline.report.left_out import coverage_frame
from plumbline.report.pages import origin
from plumbline.report.pages import report as page
from plumbline.report.spec import paragraphs
from plumbline.report.style import WEBP_SIDE, inline
from plumbline.report.summary import estimate
from plumbline.storage.tables import read_frame

EXPLORER, LEADERBOARD = f"latent_{DATASET}.html", "leaderboard.html"  # lie beside the page
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """What a test asks of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.headings, self.ids, self.open, self.text = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def text(report):
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def built(text):
    return Page(text)


def test_nothing_is_fetched_from_anywhere(built, text):
    for _, attributes in built.tags:
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name)
            if value not in (EXPLORER, LEADERBOARD):
                assert value is None or value.startswith(("#", "data:image/webp;base64,"))
    assert "@import" not in text
    assert "url(" not in text
    assert all(attributes == {} for attributes in built.all("script"))  # written out here
    assert not built.all("link")


def test_the_header_names_every_net_the_mlp_of_uncertainty_too(text):
    header = text[text.index("<header>") : text.index("</header>")]
    for name in ("LeNet-5", "AlexNet", "ResNet-34", "MLP"):
        assert name in header


def test_elements_close_and_names_are_unique(built):
    assert built.open == []
    assert len(built.ids) == len(set(built.ids))


def test_every_link_leads_somewhere(built):
    targets = [each["href"].removeprefix("#") for each in built.all("a")]
    assert targets.count(EXPLORER) == targets.count(LEADERBOARD) == 1
    assert set(targets) - {EXPLORER, LEADERBOARD} <= set(built.ids)
    sections = {"claims", "training", "attacks", "uncertainty", "latent", "attribution"}
    assert sections | {"stability", "detection", "provenance"} <= set(targets)


def test_headings_descend_one_level_at_a_time(built):
    assert built.headings[0] == 1
    assert built.headings.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(built.headings, built.headings[1:], strict=False))


def test_every_figure_is_inlined_with_its_own_text(built, figures):
    images = built.all("img")
    assert len(images) == len(figures)
    texts = [image["alt"] for image in images]
    assert len(set(texts)) == len(texts)
    assert all(len(each) > 30 and each.endswith(".") for each in texts)
    sizes = {(image["width"], image["height"]) for image in images}
    assert sizes == {("1056", "192"), ("1056", "1920")}


def test_what_scrolls_is_reached_by_keyboard_and_named(built):
    regions = [a for tag, a in built.tags if tag == "div" and a.get("class") == "scroll"]
    assert len(regions) > 20
    assert all(a["tabindex"] == "0" and a["role"] == "region" and a["aria-label"] for a in regions)


def test_every_claim_stands_there_with_its_verdict_in_words(built, text):
    claims = load_claims(ROOT / "config/claims.yaml")
    assert {claim.id for claim in claims} <= set(built.ids)
    plain = " ".join(" ".join(built.text).split())
    for claim in claims:
        assert claim.statement in plain
        assert claim.published in plain
        assert claim.note in plain
    for verdict, symbol in ledger.SYMBOLS.items():
        assert re.search(rf"{symbol}\s+{verdict}", plain)
        assert ledger.MEANINGS[verdict] in plain


def test_how_many_would_hold_by_chance_stands_there(fake, built):
    with open(fake / "claims.csv", encoding="utf-8") as handle:
        verdicts = [row["verdict"] for row in csv.DictReader(handle)]
    judged = len(verdicts) - verdicts.count("elsewhere") - verdicts.count("not run")
    plain = " ".join(" ".join(built.text).split())
    assert verdicts.count("elsewhere") > 0
    assert f"{judged} rows are judged." in plain
    assert f"about {round(judged / 40)} would hold by chance" in plain


def test_the_ledger_s_figures_stand_there_with_intervals(fake, built):
    with open(fake / "claims.csv", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    plain = " ".join(" ".join(built.text).split())
    tested = [row for row in rows if row["verdict"] != "not run"]
    assert tested
    for row in tested:
        figure = estimate(*(float(row[name]) for name in ("value", "low", "high")))
        between = "" if row["low"] == row["high"] else r" \[−?[0-9.]+, −?[0-9.]+\]"
        assert re.fullmatch(r"−?[0-9.]+" + between, figure)
        assert figure in plain


def test_provenance_names_config_code_data_seed_machine_and_time(built):
    plain = " ".join(" ".join(built.text).split())
    for part in (
        "1 jobs, 1 min 2 s in all",
        "0123456789abcdef",
        "ab" * 32,
        "learning_rate: 0.001",
        "torch",
        "Training seeds",
        "./plumbline run --configfile",
    ):
        assert part in plain
    assert re.search(r"Built \d{4}-\d\d-\d\d \d\d:\d\d UTC", plain)


def test_what_an_author_writes_is_shown_and_not_run(drawings, figures, config):
    claims = load_claims(ROOT / "config/claims.yaml")
    odd = claims[0].model_copy(update={"statement": "<script>alert(1)</script> & more"})
    text = page.render(
        config=config,
        config_text="a: <b>",
        ledger=ledger.ledger([odd], []),
        sections=page.stage_sections({}, [(drawings[0], figures[0])]),
        hashes={},
        data=[],
        machine={},
        versions={},
        job_time=None,
        built="now",
    )
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in text
    assert (
        text.count("This stage is not part of this configuration.") == len(outline.sections()) - 1
    )


def test_the_contents_lead_to_every_topic_of_a_section_with_several(built):
    topics = [f"attribution-{DATASET}-{name}" for name in ("coverage", "gallery", "cost")]
    targets = [each["href"] for each in built.all("a")]
    for topic in topics:
        assert f"#{topic}" in targets
    assert [each for each in built.ids if each in topics] == topics
    plain = " ".join(" ".join(built.text).split())
    for topic in outline.sections()["attribution"].topics:
        assert (topic.see in plain) == (f"attribution-{DATASET}-{topic.title.lower()}" in built.ids)


def test_a_gallery_is_of_thumbnails_that_say_what_they_enlarge(built, figures):
    names = [each["aria-label"] for each in built.all("button") if "aria-label" in each]
    assert len(names) == sum(path.stem.startswith("gallery") for path in figures)
    assert f"Enlarge: Gallery, LeNet-5, LRP, {DATASET}" in names
    assert len(set(names)) == len(names)
    assert len(built.all("dialog")) == 1


def test_why_a_method_has_no_job_stands_there(built, coverage):
    plain = " ".join(" ".join(built.text).split())
    assert coverage["lenet5"]["cam"] in plain
    assert "Methods not in this configuration: saliency." in plain


def test_pictures_wait_until_they_are_seen(built):
    assert all(image["loading"] == "lazy" for image in built.all("img"))


def test_tables_hold_the_figures_of_the_stages(tables, coverage):
    frames = {name: read_frame([path]) for name, path in tables.items()}
    frames["coverage"] = coverage_frame({DATASET: coverage})
    found = {
        name: page.report_tables(stage, name, frames, DATASET)
        for stage, section in outline.sections().items()
        for topic in section.topics
        for name in topic.tables
    }
    for each in (table for tables in found.values() for table in tables):
        assert each.rows
        assert all(len(row) == len(each.head) for row in each.rows), each.title
    (training,) = found["training"]
    assert [row[0] for row in training.rows] == ["AlexNet", "LeNet-5"]
    alexnet, lenet = found["attribution"]
    assert (alexnet.title.split(":")[0], lenet.title.split(":")[0]) == ("AlexNet", "LeNet-5")
    names = [row[0] for row in alexnet.rows]
    assert set(names[-2:]) == {"random (control)", "intensity (control)"}
    lime = dict(zip(alexnet.head, next(r for r in alexnet.rows if r[0] == "LIME"), strict=True))
    own = frames["attribution"].query(
        "method == 'lime' and model == 'alexnet' and ranking == 'descending' "
        "and mode == 'keep' and fill == '0' and share == 0.2"
    )
    accuracy = own[own["metric"] == "accuracy"]
    gain = own[(own["metric"] == "accuracy_gain") & (own["control"] == "intensity")]
    figures = [estimate(*each[["value", "low", "high"]].iloc[0]) for each in (accuracy, gain)]
    assert [lime["accuracy, top kept"], alexnet.rows[names.index("LIME")][3]] == figures
    assert alexnet.head[1:4] == ["accuracy, top kept", "gain over random", "gain over intensity"]
    assert lime["n"] == "30"
    random = alexnet.rows[names.index("random (control)")]
    assert random[2] == "–"  # against itself
    (turned,) = found["log_odds"]
    assert turned.head == ["net", "method", "8 → 3", "9 → 1", "change by temperature"]
    assert len(turned.rows) == 2 * len(METHODS)
    assert {row[-1] for row in turned.rows} == {"0.000"}


def test_detection_shows_the_best_scores_and_always_the_control(tables):
    frames = {name: read_frame([tables[name]]) for name in ("attacks", "detection")}
    *plain, under_attack = page.report_tables("detection", "detection", frames, DATASET)
    assert len(plain) == 2
    assert under_attack.title.startswith("Adaptive attacks")
    assert under_attack.head[3:] == ["PGD", "PGD against label change"]
    for table in plain:
        for task in {row[0] for row in table.rows}:
            rows = [row for row in table.rows if row[0] == task]
            assert 5 <= len(rows) <= 6
            assert sum("(control)" in row[1] for row in rows) == 1
            aurocs = [float(row[2].split()[0]) for row in rows[:5]]
            assert aurocs == sorted(aurocs, reverse=True)


def test_a_figure_s_text_says_of_what_it_is(drawings, figures):
    shown = {
        drawing.name: page.picture(drawing, path)
        for drawing, path in zip(drawings, figures, strict=True)
    }
    text = shown[f"latent_{CORPORA[2]}_entropy"].alt
    assert text.startswith("Latent, adversarial, entropy, digits: Each point of the plane is")
    assert shown["gallery_alexnet_perturbation"].title == ("Gallery, AlexNet, perturbation, digits")


def test_a_figure_keeps_every_pixel_on_the_page(tmp_path):
    levels = np.random.default_rng(0).integers(0, 64, (40, 30, 3)).astype(np.uint8) * 4
    Image.fromarray(levels).save(tmp_path / "figure.png")
    data, size = inline(tmp_path / "figure.png")
    kind, _, content = data.partition(";base64,")
    assert kind == "data:image/webp"
    assert size == (30, 40)
    np.testing.assert_array_equal(Image.open(io.BytesIO(base64.b64decode(content))), levels)
    tall = Image.fromarray(np.zeros((WEBP_SIDE + 1, 1), np.uint8))
    tall.save(tmp_path / "tall.png")
    data, _ = inline(tmp_path / "tall.png")
    content = data.removeprefix("data:image/png;base64,")
    assert base64.b64decode(content) == (tmp_path / "tall.png").read_bytes()


def test_every_caption_is_plain_paragraphs():
    captions = {name: spec.caption for name, spec in outline.figures().items()}
    for name, caption in (captions | {"claims": HOW_TO_READ}).items():
        assert not re.search(r"[`*_|{}]|::|\.\. ", caption), name
        assert paragraphs(caption), name
    assert paragraphs("a\nb\n\n\nc\n") == ["a b", "c"]


def test_a_package_of_another_environment_has_the_version_of_the_pins(monkeypatch):
    def none(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(origin, "version", none)
    found = origin.versions({"torch": "2.13.0"})
    assert found["torch"] == "2.13.0 (pinned; used by other stages)"
    assert found["numpy"] == "not installed"


def test_without_benchmarks_there_is_no_time(tmp_path):
    assert origin.job_time(tmp_path) is None


def test_a_dataset_of_many_files_does_not_fill_the_page(tmp_path):
    from plumbline.data.manifest import File, Manifest

    files = tuple(File(f"{i}.png", "0" * 64, 1000 * i, "own file") for i in range(40))
    Manifest("photos", "image_folder", files).save(tmp_path / "manifest.json")
    rows = origin.data_files([Path(tmp_path / "manifest.json")])
    assert len(rows) == origin.LISTED + 1
    assert rows[2][:3] == ["photos", "2.png", "2\u202f000"]
    assert rows[-1][1] == f"and {40 - origin.LISTED} more"
