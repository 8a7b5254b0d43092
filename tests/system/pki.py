"""A certificate authority for tests, by way of openssl(1). Files are readable by everybody: services run as nobody."""

import subprocess
from pathlib import Path


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Authority:
    def __init__(self, folder, name="test authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.certificate = self.folder / "authority.pem"
        self.key = self.folder / "authority.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def issue(self, file, common_name, names=(), rsa=False):
        """Writes FILE.pem and FILE.key; `names` go into subjectAltName. Returns both paths."""
        certificate, key, request = (self.folder / f"{file}.{end}" for end in ("pem", "key", "csr"))
        kind = ("rsa:2048",) if rsa else ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
        openssl("req", "-new", "-newkey", *kind, "-nodes", "-subj", f"/CN={common_name}", "-keyout", key, "-out", request)
        extension = self.folder / f"{file}.ext"
        extension.write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n" if names else "")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days",
                "2", "-extfile", extension, "-out", certificate)
        for path in (certificate, key):
            path.chmod(0o644)
        return certificate, key
