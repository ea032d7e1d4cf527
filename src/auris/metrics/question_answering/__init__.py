"""Answers to questions about what sounds where: read, matched with classes, scored."""

from auris.io.qa_predictions import QaPrediction, read_predictions, write_predictions
from auris.metrics.question_answering.answer_reading import ReadAnswer, read_answer
from auris.metrics.question_answering.chance import majority_answers, random_answers
from auris.metrics.question_answering.label_matching import LabelSimilarity, NameSimilarity
from auris.metrics.question_answering.scores import JudgedAnswer, QaEvaluation, QaScore, evaluate_answers
from auris.metrics.question_answering.worst_errors import worst_errors

__all__ = [
    "JudgedAnswer",
    "LabelSimilarity",
    "NameSimilarity",
    "QaEvaluation",
    "QaPrediction",
    "QaScore",
    "ReadAnswer",
    "evaluate_answers",
    "majority_answers",
    "random_answers",
    "read_answer",
    "read_predictions",
    "worst_errors",
    "write_predictions",
]
