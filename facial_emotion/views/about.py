"""Notes on the models: meaning of the figures, limits, privacy and law."""

from __future__ import annotations

import streamlit as st

from facial_emotion import recognizers
from facial_emotion.views.language import t, translatable
from facial_emotion.views.sidebar import ViewerSettings

# Headings, paragraphs and lists, in Markdown.
TEXT = translatable(
    (
        "## What the numbers mean",
        "Each face gets a probability for each of seven emotions; they sum to 100 %. They are calibrated: of the "
        "faces with a confidence of 70 %, about 70 % are classified correctly, on pictures like those of the test "
        "set.",
        "Models answer one of three questions. Those named *-ferplus* answer as people would: ten people looked at "
        "each picture (FER+), and a probability is the share of people who would say so. Those named *-balanced* do "
        "so too, but favour no emotion for being common, as neutral is. The others answer with "
        "FER2013's labels, the word that a search engine was asked for; people agree with these labels about two "
        "times in three. *People's choice* and *accuracy* are the shares of FER2013's PrivateTest on which the "
        "model gives the emotion with the most votes, or the label. PrivateTest was not used for training or model "
        "selection.",
        "If the confidence is below a threshold, the answer is marked *uncertain*. The threshold was set on "
        "PublicTest, for 80 % accuracy of the other answers, and for 90 % by people's votes; the Compare page "
        "shows the share of these answers as *coverage*.",
        "## What the models can't do",
        "- They recognise an **expression**, not a feeling. A smile may be polite, and a frown may be caused by "
        "sunlight.\n"
        "- They were trained on FER2013: grey pictures of 48 x 48 pixels from a web search, often posed, mostly "
        "Western, with many wrong labels. Accuracy on other faces and ages may be lower, and has not been measured; "
        "what darkness, blur, size and covers cost is on the Compare page.\n"
        "- Faces that are covered by half or very small are often not detected, and a face in profile shows half "
        "of its expression.",
        "## Privacy",
        "Live video that is recognised in the browser stays in it. Pictures, and live video where the server is "
        "chosen, go to the server of this page, which is your own computer if you started the app "
        "there, and stay in its memory. A video that is uploaded, and its annotated copy, are files there. Pictures "
        "and videos are kept until you remove them, or for an hour after your last visit: a reload finds them again by "
        "a cookie, which has nothing but a random key. Nothing is sent elsewhere: a test traces the system calls of "
        "this app while its pages are open, and finds no look-up of another host.",
        "## Where such systems are not allowed",
        "In the European Union it is prohibited to infer emotions of people **at work** or **in education**, "
        "except for medical or safety reasons (AI Act, Regulation (EU) 2024/1689, Article 5(1)(f)). Elsewhere "
        "people must be informed (Article 50), and faces are personal data (GDPR).",
        "## Licences",
        "The code is under the MIT licence. FER2013 was made for research. The classical models use a landmark "
        "predictor that was trained on the output of MediaPipe's face mesh (Apache 2.0). The face detector is "
        "CenterFace (MIT), trained on WIDER FACE, whose pictures were gathered for research. The sidebar shows each "
        "model's licence.",
    )
)


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title(t("About"))
    card = recognizers.card(settings.name)
    scores = card.own("PrivateTest")
    judged_by = t("People's choice") if card.labels != "fer2013" else t("Accuracy")
    st.markdown(
        t(
            "{judged_by} of the selected model, **{model}**: {accuracy:.1%} on PrivateTest, and "
            "{without_duplicates:.1%} without near-duplicates of its training pictures.",
            judged_by=judged_by,
            model=settings.name,
            accuracy=scores.accuracy,
            without_duplicates=scores.accuracy_without_duplicates,
        )
    )
    st.markdown("\n\n".join(t(text) for text in TEXT))
