package io.github.flashspring;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import io.github.flashspring.engine.residency.PlanReport;
import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.residency.InterferenceLoad;
import io.github.flashspring.engine.residency.ResidencyPlan;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

/**
 * Keeps the chat model usable without Spring Boot, and both packages off the engine's
 * inner rooms, except for the budget and what may be thrown.
 */
@AnalyzeClasses(packages = { "io.github.flashspring.chat", "io.github.flashspring.autoconfigure" },
		importOptions = DoNotIncludeTests.class)
class PackageDoorsTests {

	private static final String DIAGNOSTICS = "io.github.flashspring.autoconfigure.diagnostics";

	@ArchTest
	static final ArchRule THE_CHAT_MODEL_KNOWS_NO_BOOT = noClasses().that()
		.resideInAPackage("io.github.flashspring.chat..")
		.should()
		.dependOnClassesThat()
		.resideInAnyPackage("org.springframework.boot..", "io.github.flashspring.autoconfigure..");

	@ArchTest
	static final ArchRule WHAT_RUNS_ON_JAVA_17_USES_NOTHING_NEWER = noClasses().that()
		.resideInAPackage(DIAGNOSTICS)
		.should()
		.dependOnClassesThat(resideInAPackage("io.github.flashspring..").and(not(resideInAPackage(DIAGNOSTICS))));

	@ArchTest
	static final ArchRule NOBODY_REACHES_BEHIND_THE_ENGINE = noClasses().should()
		.dependOnClassesThat(
				resideInAnyPackage("io.github.flashspring.engine.model..", "io.github.flashspring.engine.cache..",
						"io.github.flashspring.engine.device..", "io.github.flashspring.engine.residency..",
						"io.github.flashspring.engine.weights..", "io.github.flashspring.engine.storage..",
						"io.github.flashspring.engine.memory..")
					.and(not(type(RamBudget.class)))
					.and(not(type(KvPrecision.class)))
					.and(not(type(KvPrecision.Mode.class)))
					.and(not(type(InterferenceLoad.class)))
					.and(not(type(ResidencyPlan.class)))
					.and(not(type(PlanReport.class)))
					.and(not(assignableTo(RuntimeException.class))));

}
