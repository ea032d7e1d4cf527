"""Similarity of sentences by embeddings: a service (a fake one on this machine), a small sentence model, published files."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from auris.errors import CheckpointError, FormatError, MissingDependency, ParameterError
from auris.io.json_endpoint import EndpointError, JsonEndpoint
from auris.metrics.question_answering.text_embedding import (
    EmbeddingSimilarity,
    EndpointEmbedder,
    RememberingEmbedder,
    SentenceEmbedder,
    cosine_similarity,
    read_class_embeddings,
)


def vector(text):
    """A direction for each word, so that texts that share words are alike."""
    rows = [np.random.default_rng(sum(map(ord, word))).standard_normal(8) for word in text.lower().split()]
    return np.mean(rows, axis=0)


class Service(BaseHTTPRequestHandler):
    """Answers as an OpenAI-compatible service does, the last text first."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers.get("Authorization"), asked))
        status, document = self.server.replies.pop(0) if self.server.replies else (200, None)
        if document is None:
            rows = [{"index": number, "embedding": vector(text).tolist()} for number, text in enumerate(asked["input"])]
            document = {"data": rows[::-1]}
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    server = HTTPServer(("127.0.0.1", 0), Service)
    server.asked, server.replies = [], []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def impatient(service, **options):
    endpoint = JsonEndpoint(f"{service.url}/embeddings", tries=2, sleep=lambda _: None)
    return EndpointEmbedder(service.url, model="small", endpoint=endpoint, **options)


def test_a_service_is_asked_in_batches_with_its_key(service, monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret")
    embedder = EndpointEmbedder(service.url, model="small", key_variable="MY_KEY", batch=2)
    texts = ["dog", "rain", "speech"]
    np.testing.assert_allclose(embedder.embed(texts), np.stack([vector(text) for text in texts]))
    assert [(path, key, len(asked["input"])) for path, key, asked in service.asked] == [
        ("/v1/embeddings", "Bearer secret", 2),
        ("/v1/embeddings", "Bearer secret", 1),
    ]
    assert service.asked[0][2]["model"] == "small"


def test_no_key_is_sent_where_there_is_none(service, monkeypatch):
    monkeypatch.delenv("NO_KEY", raising=False)
    EndpointEmbedder(f"{service.url}/embeddings", key_variable="NO_KEY").embed(["dog"])
    assert service.asked[0][:2] == ("/v1/embeddings", None)


def test_a_text_is_embedded_once(service, tmp_path):
    file = tmp_path / "kept.npz"
    embedder = RememberingEmbedder(impatient(service), file=file)
    first = embedder.embed(["dog", "rain", "dog", "dog"])
    embedder.embed(["rain", "speech"])
    assert [asked["input"] for _, _, asked in service.asked] == [["dog", "rain"], ["speech"]]
    again = RememberingEmbedder(impatient(service), file=file)
    np.testing.assert_allclose(again.embed(["dog", "rain", "dog", "dog"]), first, rtol=1e-6)
    assert len(service.asked) == 2
    with pytest.raises(FormatError, match="holds embeddings of 'small', not of 'large'"):
        RememberingEmbedder(EndpointEmbedder(service.url, model="large"), file=file)
    file.write_bytes(b"damaged")
    with pytest.raises(FormatError, match="remove it"):
        RememberingEmbedder(impatient(service), file=file)


def test_a_busy_service_is_asked_again(service):
    service.replies += [(503, {}), (200, None)]
    assert impatient(service).embed(["dog"]).shape == (1, 8)
    service.replies += [(429, {}), (500, {})]
    with pytest.raises(EndpointError, match=r"no answer in 2 tries \(status 500\)"):
        impatient(service).embed(["dog"])


@pytest.mark.parametrize(("status", "hint"), [(401, r"\$OPENAI_API_KEY"), (404, "name of the model"), (307, "status 307")])
def test_a_refusal_says_what_to_do(service, status, hint):
    service.replies.append((status, {"error": "no"}))
    with pytest.raises(ParameterError, match=hint):
        impatient(service).embed(["dog"])


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b"<html>", "something else than JSON"),
        ({"answer": 42}, "not of the form"),
        ({"data": [{"index": 0, "embedding": ["a"]}]}, "not of the form"),
        ({"data": []}, "for 1 texts"),
        ({"data": [{"index": 0, "embedding": [1.0]}] * 2}, "for 1 texts"),
    ],
)
def test_an_answer_that_cannot_be_read_is_an_error(service, reply, message):
    service.replies.append((200, reply))
    with pytest.raises(EndpointError, match=message):
        impatient(service).embed(["dog"])


def test_no_service_and_no_address():
    with pytest.raises(EndpointError, match="gave no answer"):
        JsonEndpoint("http://127.0.0.1:9/v1/embeddings", tries=1, timeout=2).posted({})
    with pytest.raises(ParameterError, match="begins with http"):
        EndpointEmbedder("localhost:80")


class Words:
    """Embeds by words, and counts."""

    name = "words"

    def embed(self, texts):
        assert all(text.strip() for text in texts)
        return np.stack([vector(text) for text in texts])


def test_answers_are_nearest_to_what_they_say():
    classes = ["dog", "rain", "speech"]
    scores = EmbeddingSimilarity(Words()).scores(["dog dog", "speech", "", "rain rain"], classes)
    assert scores.shape == (4, 3)
    assert scores.argmax(axis=1).tolist()[:2] == [0, 2]
    assert scores[3] == pytest.approx(cosine_similarity([vector("rain")], [vector(name) for name in classes])[0])
    assert (scores[2] == -1).all()


def test_published_class_embeddings_are_used_in_their_order(tmp_path):
    file = tmp_path / "audioset_class_embeds.npy"
    rows = np.stack([vector("rain"), vector("dog")])
    np.save(file, rows.astype(np.float32))
    read = read_class_embeddings(file, classes=2)
    np.testing.assert_allclose(read, rows, rtol=1e-6)
    similarity = EmbeddingSimilarity(Words(), class_embeddings=read)
    assert similarity.scores(["dog"], ["first", "second"]).argmax() == 1
    with pytest.raises(ParameterError, match="2 class embeddings were given for 3 classes"):
        similarity.scores(["dog"], ["a", "b", "c"])
    with pytest.raises(FormatError, match="embeddings of 2 classes, but there are 355"):
        read_class_embeddings(file, classes=355)


def test_damaged_class_embeddings_are_refused(tmp_path):
    for name, content in (
        ("objects", np.array([{"a": 1}], dtype=object)),
        ("flat", np.ones(3)),
        ("nan", np.full((2, 2), np.nan)),
    ):
        file = tmp_path / f"{name}.npy"
        np.save(file, content, allow_pickle=True)
        with pytest.raises(FormatError, match=name):
            read_class_embeddings(file)
    with pytest.raises(FormatError, match="cannot be read"):
        read_class_embeddings(tmp_path / "none.npy")


def test_embeddings_of_different_models_do_not_compare():
    with pytest.raises(ParameterError, match="of one model"):
        cosine_similarity(np.ones((2, 3)), np.ones((2, 4)))
    assert cosine_similarity(np.zeros((1, 2)), np.ones((1, 2))).tolist() == [[0.0]]


@pytest.fixture(scope="module")
def sentence_model(tmp_path_factory):
    """A small BERT with random weights in a folder."""
    import transformers

    folder = tmp_path_factory.mktemp("sentences")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dog", "rain", "a", "speech"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_a_sentence_model_from_a_folder(sentence_model, tmp_path):
    embedder = SentenceEmbedder.loaded(sentence_model)
    rows = embedder.embed(["dog", "a dog", "rain a speech"])
    assert rows.shape == (3, 16)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    np.testing.assert_allclose(embedder.embed(["dog"])[0], rows[0], atol=1e-5)  # whatever it is padded with
    (sentence_model / "1_Pooling").mkdir()
    (sentence_model / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    first = SentenceEmbedder.loaded(sentence_model).embed(["dog"])
    assert not np.allclose(first, rows[:1], atol=1e-3)
    with pytest.raises(CheckpointError, match="no such folder"):
        SentenceEmbedder.loaded(tmp_path / "missing")
    with pytest.raises(CheckpointError, match="no sentence model"):
        SentenceEmbedder.loaded(tmp_path)


def test_transformers_is_optional(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingDependency, match="llm"):
        SentenceEmbedder.loaded(tmp_path)
