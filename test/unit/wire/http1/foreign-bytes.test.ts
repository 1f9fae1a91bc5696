/** What is said of bytes that are no HTTP/1.1. RFC 8446 §5.1, RFC 4253 §4.2, RFC 9113 §4.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameForeignBytes } from '../../../../src/wire/http1/foreign-bytes.ts';

const SETTINGS = '\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\x00\x00\xff\xff';

const named: readonly (readonly [bytes: string, name: string | undefined])[] = [
  ['\x15\x03\x01\x00\x02\x02\x46', 'a TLS record; is it https?'],
  ['\x15\x03\x03\x00\x02\x02\x28', 'a TLS record; is it https?'],
  ['\x15\x09\x03', 'bytes of another protocol'],
  [SETTINGS, 'an HTTP/2 frame'],
  [SETTINGS.replace('\x04', '\x07'), 'an HTTP/2 frame'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'an HTTP/2 preface'],
  ['SSH-2.0-OpenSSH_9.9\r\n', 'an SSH banner'],
  ['J\x00\x00\x00\x0a8.4.0\x00', 'a greeting of a MySQL server'],
  ['<!DOCTYPE html>\n<title>', 'HTML without a head'],
  ['\n <html lang="en">', 'HTML without a head'],
  ['<?xml version="1.0"?>', 'HTML or XML without a head'],
  ['{"jsonrpc":"2.0"}', 'JSON without a head'],
  ['HTTP/2 200', 'another version of HTTP'],
  ['GET / HTTP/1.1\r\n', 'an HTTP request'],
  ['220 ftp.example ready\r\n', 'a greeting of a mail or FTP server'],
  ['+OK\r\n', 'text'],
  ['\x00', 'bytes of another protocol'],
  ['', 'bytes of another protocol'],
  ['HTTP/1.1 200 OK\n', undefined],
];

describe('bytes where an answer was due', () => {
  for (const [bytes, name] of named) {
    it(`${JSON.stringify(bytes)}: ${name}`, () => {
      assert.equal(nameForeignBytes(Buffer.from(bytes, 'latin1')), name);
    });
  }
});
