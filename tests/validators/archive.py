"""Stores a CT and its DICOM objects in a real Orthanc on the loopback, finds them under the CT's study and gets them back.

usage: archive.py ORTHANC CT OBJECTS UNNAMED

UNNAMED holds objects of the same CT without its patient, which this archive files apart: it tells studies by patient and UID.

Prints a line a check; exits 1 at the first that fails, 2 where Orthanc does not start.
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


def check(what, holds, detail=""):
    print(f"{'ok' if holds else 'FAILED'}: {what} {detail}".rstrip(), flush=True)
    if not holds:
        sys.exit(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Archive:
    def __init__(self, program, folder):
        self.port = free_port()
        settings = {
            "Name": "test",
            "StorageDirectory": str(Path(folder) / "storage"),
            "IndexDirectory": str(Path(folder) / "index"),
            "HttpPort": self.port,
            "HttpBindAddresses": ["127.0.0.1"],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": False,
        }
        path = Path(folder) / "orthanc.json"
        path.write_text(json.dumps(settings))
        self.log = open(Path(folder) / "log", "w+")
        self.process = subprocess.Popen([program, str(path)], stdout=self.log, stderr=self.log)

    def call(self, path, data=None, parse=True):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data)
        with urllib.request.urlopen(request, timeout=60) as answer:
            got = answer.read()
        return json.loads(got) if parse else got

    def wait(self):
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                return self.call("/system")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        self.log.seek(0)
        print(f"Orthanc does not start: {self.log.read()[-2000:]}")
        sys.exit(2)


def run(archive, ct, objects, unnamed):
    print(f"Orthanc {archive.wait()['Version']}")
    for path in ct:
        archive.call("/instances", path.read_bytes())
    studies = archive.call("/studies")
    check("the CT is one study", len(studies) == 1)
    stored = {}
    for path in objects:
        answer = archive.call("/instances", path.read_bytes())
        check(f"{path.name}: stored", answer["Status"] == "Success")
        stored[path] = answer["ID"]
    check("found under the study of the CT", archive.call("/studies") == studies)
    series = archive.call(f"/studies/{studies[0]}/series")
    modalities = sorted(s["MainDicomTags"]["Modality"] for s in series)
    check("a series a kind", len(modalities) == len(set(modalities)), " ".join(modalities))
    for path, name in stored.items():
        back = archive.call(f"/instances/{name}/file", parse=False)
        check(f"{path.name}: retrieved, byte for byte", back == path.read_bytes(), f"{len(back)} bytes")
    again = archive.call("/instances", objects[0].read_bytes())
    check("stored again it is known", again["Status"] == "AlreadyStored")
    for path in unnamed:
        archive.call("/instances", path.read_bytes())
    check("objects without the patient are a study of their own", len(archive.call("/studies")) == 2)


def main():
    program, *folders = sys.argv[1:5]
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(program, folder)
        try:
            run(archive, *(sorted(Path(folder).glob("*.dcm")) for folder in folders))
        finally:
            archive.process.terminate()
            archive.process.wait(timeout=30)


if __name__ == "__main__":
    main()
