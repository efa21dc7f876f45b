package io.github.flashspring.engine.pacing;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class InterferenceExperimentTests {

	private final InterferenceExperiment experiment = new InterferenceExperiment();

	/** A layer, after which the experiment may change its mind. */
	private boolean layer(boolean readsWereRunning) {
		this.experiment.add(100, 100, readsWereRunning);
		boolean changes = this.experiment.changes(readsWereRunning);
		if (changes) {
			this.experiment.begin(!this.experiment.isQuiet());
		}
		return changes;
	}

	private int layersUntilQuiet() {
		int layers = 1;
		while (!layer(true)) {
			layers++;
		}
		assertThat(this.experiment.isQuiet()).isTrue();
		return layers;
	}

	@Test
	void readsRestOnceLayersThatComputeAloneAreMissing() {
		assertThat(layersUntilQuiet())
			.isEqualTo(InterferenceEstimator.WINDOW_LAYERS - InterferenceEstimator.MIN_LAYERS);
	}

	@Test
	void quietSpellEndsWhenEnoughLayersWereAlone() {
		layersUntilQuiet();
		int alone = 1;
		while (!layer(false)) {
			alone++;
		}
		assertThat(alone).isEqualTo(InterferenceEstimator.MIN_LAYERS);
		assertThat(this.experiment.isQuiet()).isFalse();
		assertThat(this.experiment.estimator().windows()).isEqualTo(1);
	}

	@Test
	void quietSpellEndsAfterTwelveLayersNextToReads() {
		layersUntilQuiet();
		int layers = 1;
		while (!layer(true)) {
			layers++;
		}
		assertThat(layers).isEqualTo(12);
	}

	@Test
	void restingExperimentMeasuresNothing() {
		this.experiment.rest();
		for (int i = 0; i < 200; i++) {
			assertThat(layer(i % 2 == 0)).isFalse();
		}
		assertThat(this.experiment.estimator().windows()).isZero();
	}

	@Test
	void restDoublesEachTimeUpToALimit() {
		for (int expected : new int[] { 32, 64, 128, 128 }) {
			this.experiment.rest();
			int passes = 0;
			while (!measures()) {
				this.experiment.beginPass();
				passes++;
			}
			assertThat(passes).isEqualTo(expected);
		}
	}

	/** A window's layers of both kinds complete it only while the experiment runs. */
	private boolean measures() {
		boolean complete = false;
		for (int i = 0; i < InterferenceEstimator.WINDOW_LAYERS; i++) {
			complete |= this.experiment.add(100, 100, i % 2 == 0);
		}
		return complete;
	}

}
