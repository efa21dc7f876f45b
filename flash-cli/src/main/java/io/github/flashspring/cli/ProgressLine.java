package io.github.flashspring.cli;

import io.github.flashspring.cli.bench.Progress;

/**
 * Shows how far something has come, where a person looks on: one line that changes, and
 * goes when all is done.
 */
final class ProgressLine implements Progress {

	private final Terminal terminal;

	private long percent = -1;

	ProgressLine(Terminal terminal) {
		this.terminal = terminal;
	}

	@Override
	public void at(String what, long done, long total) {
		long now = (total > 0) ? 100 * done / total : 100;
		if (now >= 100) {
			clear();
		}
		else if (this.terminal.styled() && now != this.percent) {
			this.percent = now;
			this.terminal.err().printf("\r\033[K%3d %% %s", now, what);
			this.terminal.err().flush();
		}
	}

	void clear() {
		if (this.terminal.styled() && this.percent >= 0) {
			this.percent = -1;
			this.terminal.err().print("\r\033[K");
			this.terminal.err().flush();
		}
	}

}
