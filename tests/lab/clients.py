#!/usr/bin/python3
"""clients.py PORT CERTIFICATE KEY: what clients of all kinds are offered and refused; one line for each, exit 1 if one is wrong.

The client table is that of tests/system/clients. It owns: what it sends. TLS is Python's, that is OpenSSL's.
It must never send a message that is to be delivered but those with REQUIRETLS or TLS-Required in their Subject.
"""
import smtplib
import ssl
import sys

PORT, CERTIFICATE, KEY = int(sys.argv[1]), sys.argv[2], sys.argv[3]
failures = 0


def report(what, good, seen):
    global failures
    failures += not good
    print("  %-4s %-66s %s" % ("ok" if good else "FAIL", what, seen), flush=True)


class Client(smtplib.SMTP):
    """A session from one of the machine's loopback addresses; tls: None, "plain" or "certificate"."""

    def __init__(self, source, tls=None, version=None):
        super().__init__("127.0.0.1", PORT, "client.corp.example", timeout=20, source_address=(source, 0))
        self.ehlo()
        self.clear = self.esmtp_features
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if version:
                context.maximum_version = version
            if tls == "certificate":
                context.load_cert_chain(CERTIFICATE, KEY)
            self.starttls(context=context)
            self.ehlo()

    def says(self, what, command, beginning):
        code, text = self.docmd(command)
        answer = "%d %s" % (code, text.decode())
        report(what, answer.startswith(beginning), answer[:90])
        return self


def message(client, parameters, header):
    client.docmd("MAIL FROM:<sender@corp.example>" + parameters)
    client.docmd("RCPT TO:<somebody@dane-ee.example>")
    return client.data("%s\r\n\r\ntext\r\n" % header)[0] == 250


clear = Client("127.0.0.1")
report("REQUIRETLS is not offered in clear", "requiretls" not in clear.esmtp_features, "")
clear.says("nor taken", "MAIL FROM:<a@corp.example> REQUIRETLS", "530 5.7.10")
clear.quit()

secure = Client("127.0.0.1", "plain")
report("it is under TLS", "requiretls" in secure.esmtp_features, "")
secure.says("and takes no value", "MAIL FROM:<a@corp.example> REQUIRETLS=YES", "501 5.5.4")
report("a message with it is taken", message(secure, " REQUIRETLS", "Subject: REQUIRETLS\r\nTLS-Required: No"), "")
report("one with TLS-Required: No", message(secure, "", "Subject: TLS-Required\r\ntls-required:\r\n no"), "")
secure.quit()

must = Client("127.0.0.2")
must.says("starttls=require in clear", "MAIL FROM:<a@corp.example>", "530 5.7.0 this client must use STARTTLS (clients:2)")
must = Client("127.0.0.2", "plain")
must.says("starttls=require under TLS", "MAIL FROM:<a@corp.example>", "250 ").quit()
device = Client("127.0.0.3")
report("starttls=bypass: it is not offered", "starttls" not in device.clear, "")
device.says("nor taken", "STARTTLS", "502 ")
device.says("senders= refuses others", "MAIL FROM:<a@corp.example>", "553 5.7.1 sender <a@corp.example> not allowed for this client (clients:3)")
device.says("senders= takes its own", "MAIL FROM:<scanner@corp.example>", "250 ").quit()

for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    known = Client("127.0.0.200", "certificate", version)
    known.says("a stranger's address, %s:" % version.name, "MAIL FROM:<a@corp.example>", "250 ")
    known.says("its certificate is in the table", "RCPT TO:<u@dane-ee.example>", "250 ").quit()
    other = Client("127.0.0.200", "plain", version)
    other.docmd("MAIL FROM:<a@corp.example>")
    other.says("without a certificate", "RCPT TO:<u@dane-ee.example>", "550 5.7.1 No relaying for 127.0.0.200: not in the client table, and").quit()
clear = Client("127.0.0.200")
clear.docmd("MAIL FROM:<a@corp.example>")
clear.says("in clear", "RCPT TO:<u@dane-ee.example>", "550 5.7.1 No relaying for 127.0.0.200: not in the client table; if it has").quit()
sys.exit(failures > 0)
