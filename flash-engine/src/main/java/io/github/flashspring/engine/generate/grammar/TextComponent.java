package io.github.flashspring.engine.generate.grammar;

/** A deterministic automaton whose states are found as they are reached. */
interface TextComponent {

	/** The state from which no text is accepted. */
	int DEAD = -1;

	int start();

	int step(int state, int character);

	boolean accepts(int state);

	/** Counts characters. */
	record Length(int min, int max) implements TextComponent {

		@Override
		public int start() {
			return 0;
		}

		@Override
		public int step(int state, int character) {
			if (state == this.max) {
				return DEAD;
			}
			return (this.max == Expr.UNBOUNDED) ? Math.min(state + 1, this.min) : state + 1;
		}

		@Override
		public boolean accepts(int state) {
			return state >= this.min;
		}

	}

	/** What another one does not accept. */
	record Without(SubsetConstruction found) implements TextComponent {

		/** The other one will never accept. */
		private static final int NEVER = Integer.MAX_VALUE;

		@Override
		public int start() {
			return (this.found.start() == DEAD) ? NEVER : this.found.start();
		}

		@Override
		public int step(int state, int character) {
			int next = (state == NEVER) ? DEAD : this.found.step(state, character);
			return (next == DEAD) ? NEVER : this.found.hasMatched(next) ? DEAD : next;
		}

		@Override
		public boolean accepts(int state) {
			return state == NEVER || !this.found.accepts(state);
		}

	}

}
