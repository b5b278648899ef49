"""What the numbers mean, what they don't, and what is allowed."""

from __future__ import annotations

import streamlit as st

from facial_emotion import recognizers
from facial_emotion.views.sidebar import Choice

TEXT = """
### What the numbers mean
Each face gets a probability for each of seven emotions; they sum to 100 %. They are calibrated: of the faces that a
model is 70 % sure of, it is right on about 70 %, on pictures like those it was judged on. *Accuracy* is the share of
FER2013's PrivateTest on which the likeliest emotion is the labelled one; nothing was chosen on these rows. People
agree with the labels of these pictures about two times in three.

Where the likeliest emotion is not likely enough, a model says *uncertain*. Its threshold was chosen so that its certain
answers were right four times in five on PublicTest; the Compare page says how many answers are certain.

### What the models can't do
- They see an **expression**, not a feeling. A smile may be polite, a frown may be the sun.
- They learned from FER2013: small grey pictures of 48 x 48 pixels from a web search, often posed, mostly Western, with
  many wrong labels. On other faces, ages, light and head poses they may be worse, and nobody measured by how much.
- Faces turned aside, small or covered are often not found at all.

### Privacy
Pictures and video stay in the memory of the server that this page comes from. Nothing is written to disk and nothing
is sent elsewhere. What you download is yours.

### Where such systems are not allowed
In the European Union it is prohibited to infer emotions of people **at work** or **in education**, except for medical
or safety reasons (AI Act, Regulation (EU) 2024/1689, Article 5(1)(f)). Elsewhere people must be told (Article 50), and
faces are personal data (GDPR).

### Licences
The code is under the MIT licence. FER2013 was made for research. The classical models stand on a landmark predictor
that was taught by dlib's 68-point model, trained on iBUG 300-W, whose licence **excludes commercial use**. Each model's
licence stands in the sidebar.
"""


def show(choice: Choice) -> None:
    """The page."""
    st.title("About")
    scores = recognizers.card(choice.name)["metrics"]["PrivateTest"]
    st.markdown(
        f"The chosen model, **{choice.name}**, is right on {scores['accuracy']:.1%} of PrivateTest, and on "
        f"{scores['accuracy_without_duplicates']:.1%} of the pictures there that are new to it."
    )
    st.markdown(TEXT)
