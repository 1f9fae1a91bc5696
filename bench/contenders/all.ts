/** Every contender in its usual form: phase 2 for Obex, with and without its access log. */
import type { Bench } from '../bench.ts';
import { startApache } from './apache.ts';
import { startBaseline } from './baseline.ts';
import type { Contender } from './contender.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';
import { startObex } from './obex.ts';

export function everyContender(bench: Bench): readonly (() => Promise<Contender>)[] {
  return [
    () => startNginx(bench),
    () => startHaproxy(bench),
    () => startApache(bench),
    () => startBaseline(bench),
    () => startObex(bench, { accessLog: 'off' }),
    () => startObex(bench),
  ];
}
