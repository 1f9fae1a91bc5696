/** Counts of programs, in memory that one thread writes and another shows. Prometheus text format 0.0.4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatFamily } from '../../../src/observe/exposition.ts';
import { ProgramMetrics } from '../../../src/observe/program-metrics.ts';

describe('ProgramMetrics', () => {
  it('shows elsewhere what was counted, by server and reason', () => {
    const written = new ProgramMetrics();
    const shown = new ProgramMetrics(written.memory);
    const page = (): string => shown.families.map(formatFamily).join('');
    assert.doesNotMatch(page(), /server=/);
    written.started('files');
    written.started('files');
    written.started('a'.repeat(63));
    written.ended('files', 'idle');
    assert.match(page(), /^obex_program_processes\{server="files"\} 1$/m);
    assert.match(page(), /^obex_programs_started_total\{server="files"\} 2$/m);
    assert.match(page(), /^obex_programs_ended_total\{server="files",reason="idle"\} 1$/m);
    assert.match(page(), new RegExp(`^obex_program_processes\\{server="a{63}"\\} 1$`, 'm'));
    shown.forgetOpen();
    assert.match(page(), /^obex_program_processes\{server="files"\} 0$/m);
    assert.match(page(), /^obex_programs_started_total\{server="files"\} 2$/m);
  });

  it('has room for so many servers, and does not fail beyond', () => {
    const metrics = new ProgramMetrics();
    for (let server = 0; server < 300; server += 1) metrics.started(`s${server}`);
    const [family] = metrics.families;
    assert.equal([...(family?.samples() ?? [])].length, 256);
  });
});
