"""Asking a recording: questions in plain English about what sounds where, when and how far away.

Two kinds of answers: by a language model with ears (:mod:`auris.models.answering`), and by rules from the scene that
:func:`auris.pipelines.listen` hears (:mod:`auris.data.language.symbolic`). Recordings may be of any length; files are read
piece by piece.
"""

from auris.asking.conversation import Conversation, ask
from auris.asking.replies import Reply, WindowReply

__all__ = ["Conversation", "Reply", "WindowReply", "ask"]
