"""Live recognition on the webcam's video, which WebRTC carries to this server and back with annotations."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import av
import numpy as np
import streamlit as st
from streamlit_webrtc import Translations, WebRtcMode, webrtc_streamer

from facial_emotion import recognizers
from facial_emotion.drawing import annotated
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.recognizers import Recognizer
from facial_emotion.records import Json
from facial_emotion.scene import Face
from facial_emotion.video.stream import HOLD, FrameResult, Settings, Stream
from facial_emotion.views import bars, camera, charts, downloads, game, image, in_browser, pictures, recognition, visits
from facial_emotion.views.game import Game
from facial_emotion.views.language import count, labels, number, t, translatable
from facial_emotion.views.sidebar import ViewerSettings

FRAME_TIMEOUT = 8.0  # seconds without a frame after which the page shows the help text
_REFRESH = 0.5  # seconds between two updates of the bars
_MANY = 4  # faces that have bars beside the video; with more, the labels on the video say it all
HELP = translatable(
    "No video? Allow this page to use the camera: there is a camera sign in or beside the address. Close other "
    "programs that use it. Single pictures work without video: press STOP if it is shown, then use the option below."
)
OPERATORS = translatable(
    "For whoever runs this app: a page from another computer must be served over HTTPS, else browsers refuse the "
    "camera. Across networks a TURN server is required: set TURN_URL, TURN_USERNAME and TURN_CREDENTIAL."
)
_NOBODY = translatable("none")  # no second model


class Session:
    """One viewer's video: its stream, last result and display options. second: a model to compare with, or None."""

    def __init__(self, settings: ViewerSettings) -> None:
        self.stream = Stream(Settings(settings.recognizer, search=settings.search, hold=HOLD))
        self.landmarks = settings.landmarks
        self.second: Recognizer | None = None
        self.words: dict[str, str] = {}  # what the emotions are called
        self.game = Game()
        self.result: FrameResult | None = None
        self.last_frame = time.monotonic()  # time of the last frame, in seconds
        self.picture: np.ndarray | None = None  # the last annotated frame
        self.snapshot: bytes | None = None  # as PNG

    def process(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The annotated copy of a frame. It runs outside of Streamlit's threads."""
        rgb = frame.to_ndarray(format="rgb24")
        result = self.stream.process(rgb)
        self.result, self.last_frame = result, time.monotonic()
        self.game.see(result.faces, self.last_frame)
        words = self.words
        annotated_rgb = self.picture = annotated(
            rgb, result.faces, landmarks=self.landmarks, percent=False, words=lambda name: words.get(name, name)
        )
        annotated_frame = av.VideoFrame.from_ndarray(annotated_rgb, format="rgb24")
        annotated_frame.pts, annotated_frame.time_base = frame.pts, frame.time_base
        return annotated_frame


def show(settings: ViewerSettings) -> None:
    """Draw the page."""
    st.title(t("Emotions live"))
    places = {"here": t("in this browser"), "server": t("on the server")}
    place = st.segmented_control(
        t("Video is recognised"),
        list(places),
        default="here",
        format_func=places.__getitem__,
        key="place",
        required=True,
    )
    if place == "here":
        camera.ready()  # says what is wrong with it; pictures and videos can be chosen in any case
        in_browser.show(settings)
        return
    session = st.session_state.setdefault("session", Session(settings))
    options(session, settings)
    video, details = st.columns([3, 2], gap="medium")
    running = False
    with video:
        if camera.ready():
            context = webrtc_streamer(
                key="live",
                mode=WebRtcMode.SENDRECV,
                rtc_configuration={"iceServers": ice_servers()},
                media_stream_constraints={"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}, "audio": False},
                video_html_attrs={"autoPlay": True, "controls": True, "muted": True, "style": {"width": "100%"}},
                video_frame_callback=session.process,
                async_processing=True,
                translations=controls(),
            )
            running = context.state.playing or context.state.signalling
    with details:
        if running:
            figures(session)
        else:
            waiting(session, settings)
    if not running and len(session.stream.record):
        in_browser.summary(session.stream.record)
        with st.container(horizontal=True):
            _snapshot(session)
        if session.game.found:
            game.show(session.game)


def waiting(session: Session, settings: ViewerSettings) -> None:
    """Draw what to do before the video runs."""
    session.last_frame = time.monotonic()
    st.info(
        t(
            "Press START and allow access to the camera. Pictures go to the server of this page, which is "
            "this computer if you started it here, and are neither stored nor sent elsewhere."
        )
    )
    with st.expander(t("No video?")):
        st.write(t(HELP))
        st.caption(t(OPERATORS))
    single(settings)


def options(session: Session, settings: ViewerSettings) -> None:
    """Draw the options of the video in the sidebar, and apply them from the next frame on."""
    with st.sidebar:
        smoothing = st.slider(
            t("Smoothing, seconds"),
            0.0,
            2.0,
            0.3,
            0.1,
            key="smoothing",
            persist_state="session",
            help=t("Time constant of the temporal smoothing; 0 disables it."),
        )
        others = [_NOBODY, *(name for name in recognizers.names() if name != settings.name)]
        second = st.selectbox(
            t("Second model"), others, format_func=lambda name: t(name), key="second", persist_state="session"
        )
    session.landmarks, session.words = settings.landmarks, labels(EMOTIONS)
    session.second = None if second == _NOBODY else recognizers.load(second)
    session.stream.change(recognizer=settings.recognizer, search=settings.search, smoothing=smoothing)


def controls() -> Translations:
    """The words of the video's own controls."""
    return {
        "start": t("Start"),
        "stop": t("Stop"),
        "select_device": t("Select Device"),
        "select_camera": t("Select camera"),
        "turn_camera_on": t("Turn camera on"),
        "turn_camera_off": t("Turn camera off"),
        "media_api_not_available": t("Media API not available"),
        "device_ask_permission": t("Please allow the app to use your media devices"),
        "device_not_available": t("Device not available"),
        "device_access_denied": t("Access denied"),
    }


def ice_servers() -> list[Json]:
    """STUN and TURN servers from the environment or Streamlit's secrets; none are needed on one computer."""
    servers: list[Json] = []
    for kind in ("STUN", "TURN"):
        url = setting(f"{kind}_URL")
        if url:
            login = {"username": setting(f"{kind}_USERNAME"), "credential": setting(f"{kind}_CREDENTIAL")}
            servers.append({"urls": [url], **{key: value for key, value in login.items() if value}})
    return servers


def setting(name: str) -> str:
    """A setting from the environment or Streamlit's secrets file; empty where it is not set."""
    if os.environ.get(name):
        return os.environ[name]
    try:
        return str(st.secrets.get(name, ""))
    except FileNotFoundError:
        return ""


@st.fragment(run_every=_REFRESH)
def figures(session: Session) -> None:
    """Draw the current faces, the last 30 seconds, and the timings; updated by itself."""
    if time.monotonic() - session.last_frame > FRAME_TIMEOUT:
        st.warning(t(HELP), icon=":material/videocam_off:")
        st.caption(t(OPERATORS))
        return
    result = session.result
    if result is None:
        st.caption(t("Waiting for the first frame."))
        return
    faces = sorted(result.faces, key=lambda face: face.number)
    if not faces:
        st.header(t("No face"), anchor=False)
    elif len(faces) > _MANY:
        st.header(recognition.answer([recognition.Recognised(0, "", faces)]), anchor=False)
    else:
        show_bars(faces, result.model, session.second)
    if st.toggle(t("Game: show all seven"), key="game"):
        game.show(session.game)
    history = session.stream.history()
    visible = [face.number for face in faces]
    if history:
        number = st.selectbox(t("Face"), visible, key="face") if len(visible) > 1 else [history[-1][1], *visible][-1]
        charts.draw(charts.over_time(history, number), "over_time")
    if session.picture is not None and st.button(t("Take a snapshot"), key="snapshot", icon=":material/photo_camera:"):
        session.snapshot = downloads.to_png(session.picture)
    _snapshot(session)
    with st.expander(t("Technical figures"), key="technical"):
        st.caption(technical(result))


def show_bars(faces: Sequence[Face], model: str, second: Recognizer | None) -> None:
    """Draw the seven bars of each face, beside those of a second model if there is one.

    The label stands in the picture alone: the picture comes back from the browser later than this text.
    """
    for face in faces:
        if len(faces) > 1:
            st.markdown(f"**{t('face {number}', number=face.number)}**")
        columns = st.columns(1 if second is None else 2)
        with columns[0]:
            if second is not None:
                st.caption(model)
            st.html(bars.html(face.probabilities))
        if second is not None:
            with columns[1]:
                st.caption(second.name)
                st.html(bars.html(second.predict_proba(face.crop[None])[0]))


def technical(result: FrameResult) -> str:
    """The speed of the video and of its stages, which have the names that they have in all results."""
    interval = result.detection_interval
    rate = t(
        "{rate:.0f} frames a second, {spent:.0f} ms each; faces are looked for {where}.",
        rate=result.frames_per_second,
        spent=result.frame_ms,
        where=count(interval, "in every frame", "in one frame of {number}"),
    )
    stages = " · ".join(f"{name} {number(spent, '.1f')} ms" for name, spent in result.means.items())
    return f"{rate} {result.model}: {stages}"


def _snapshot(session: Session) -> None:
    """Draw the button that downloads the snapshot, if one was taken."""
    if session.snapshot is not None:
        downloads.button(t("Download the snapshot"), session.snapshot, "emotions.png", "image/png")


def single(settings: ViewerSettings) -> None:
    """Draw the input for a single camera picture and its result."""
    if st.toggle(t("Take single pictures instead"), key="single"):
        photo = st.camera_input(t("Take a picture"), key="single_camera")
        if photo is not None:
            content = pictures.CAMERA, photo.getvalue()
            if visits.current().pictures != [content]:
                pictures.keep([content])
            (found,) = recognition.recognise_all(settings)
            image.show_errors([found])
            if not found.error:
                image.show_picture(found, settings, st.container(), st.container())
