package io.github.flashspring.engine;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

/**
 * Keeps the doors between the engine's packages shut: dependencies point one way, and
 * each package knows only those it is written against.
 */
@AnalyzeClasses(packages = "io.github.flashspring.engine", importOptions = DoNotIncludeTests.class)
class PackageDoorsTests {

	private static final String ENGINE = "io.github.flashspring.engine";

	@ArchTest
	static final ArchRule PACKAGES_KNOW_ONLY_THOSE_BELOW_THEM = doors();

	@ArchTest
	static final ArchRule PACKAGES_ARE_FREE_OF_CYCLES = slices().matching(ENGINE + ".(**)").should().beFreeOfCycles();

	@ArchTest
	static final ArchRule THE_ENGINE_KNOWS_NO_FRAMEWORK = noClasses().should()
		.dependOnClassesThat()
		.resideInAnyPackage("org.springframework..", "reactor..", "io.micrometer..", "com.sun.jna..", "picocli..");

	@ArchTest
	static final ArchRule ONLY_THE_CPU_DEVICE_KNOWS_THE_VECTOR_API = noClasses().that()
		.resideOutsideOfPackage(ENGINE + ".device.cpu..")
		.should()
		.dependOnClassesThat()
		.resideInAPackage("jdk.incubator.vector..");

	@ArchTest
	static final ArchRule DEVICES_KNOW_OF_A_CHECKPOINT_ONLY_HOW_NUMBERS_ARE_STORED = noClasses().that()
		.resideInAPackage(ENGINE + ".device..")
		.should()
		.dependOnClassesThat(
				resideInAPackage(ENGINE + ".checkpoint..").and(not(nameMatching(".*\\.(DType|Quantization)(\\$.*)?"))));

	private static LayeredArchitecture doors() {
		return layeredArchitecture().consideringOnlyDependenciesInLayers()
			.withOptionalLayers(true)
			.layer("engine")
			.definedBy(ENGINE)
			.layer("generate")
			.definedBy(ENGINE + ".generate..")
			.layer("model")
			.definedBy(ENGINE + ".model..")
			.layer("residency")
			.definedBy(ENGINE + ".residency..")
			.layer("cache")
			.definedBy(ENGINE + ".cache..")
			.layer("tokenizer")
			.definedBy(ENGINE + ".tokenizer..")
			.layer("checkpoint")
			.definedBy(ENGINE + ".checkpoint..")
			.layer("device")
			.definedBy(ENGINE + ".device")
			.layer("device.cpu")
			.definedBy(ENGINE + ".device.cpu..")
			.layer("metrics")
			.definedBy(ENGINE + ".metrics..")
			.layer("failure")
			.definedBy(ENGINE + ".failure..")
			.whereLayer("engine")
			.mayNotBeAccessedByAnyLayer()
			.whereLayer("generate")
			.mayOnlyAccessLayers("model", "residency", "cache", "tokenizer", "checkpoint", "device", "metrics",
					"failure")
			.whereLayer("model")
			.mayOnlyAccessLayers("residency", "cache", "checkpoint", "device", "metrics", "failure")
			.whereLayer("residency")
			.mayOnlyAccessLayers("checkpoint", "device", "metrics", "failure")
			.whereLayer("cache")
			.mayOnlyAccessLayers("device", "metrics", "failure")
			.whereLayer("tokenizer")
			.mayOnlyAccessLayers("checkpoint", "metrics", "failure")
			.whereLayer("device")
			.mayOnlyAccessLayers("checkpoint", "metrics", "failure")
			.whereLayer("device.cpu")
			.mayOnlyAccessLayers("device", "checkpoint", "metrics", "failure")
			.whereLayer("checkpoint")
			.mayOnlyAccessLayers("metrics", "failure")
			.whereLayer("metrics")
			.mayNotAccessAnyLayer()
			.whereLayer("failure")
			.mayNotAccessAnyLayer();
	}

}
