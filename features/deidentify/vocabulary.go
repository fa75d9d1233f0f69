package deidentify

import (
	"regexp"
	"strings"
	"unicode"
)

// vocabulary are words of the field that may stay in descriptions and names of regions: none of them names a person or a place.
var vocabulary = words(`
	3D 2D 4D AC ACQ ADC ADC_MAP ADRENAL AND ANGIO ANGIOGRAPHY ANTERIOR AORTA APPARENT ARM ARTERIAL ASL ATTENUATION ATTN AVERAGE AX AXIAL AXIS BASELINE BLADDER BODY BOLD BONE BONES BOWEL BRAIN
	BRAINSTEM BRAVO BREAST BREATH BREATHHOLD BRONCHUS CALIBRATION CARDIAC CARDIO CAUDAL CE CEREBELLUM CERVIX CHEST CIRCULATION CLINICAL CLIVUS COEFFICIENT COLON COMBINED CONTOUR CONTRAST CONTRALATERAL COR CORD CORE CORONAL CORRECTED CORTEX
	CRANIAL CRANIUM CT CTA CTV CUBE CURVE CYST DCE DELAYED DERIVED DIFFUSION DIR DISTAL DIXON DOSE DOUBLE DTI DUAL DWI DYN DYNAMIC ECHO EDEMA EFFUSION ENERGY ENHANCED ENHANCING EPI ESOPHAGUS ESSENTIAL EXAM EXP EXPIRATION EXT EXTERNAL EYE EYES
	FA FAST FAT FATSAT FDG FEMUR FFE FGRE FIELD FIESTA FILTERED FISP FL FLAIR FLASH FLOW FOLLOWUP FOV FRACTION FRAME FREE FS FSE FSPGR FULL FUNCTIONAL FUSED GALLBLADDER GD GLAND GLIOMA GRADIENT GRAPPA GRE GTV GTVN GTVP HASTE HEAD HEART HEPATIC HIGH HILUM HIP HU
	ILIAC IMAGE IMAGES IN INFERIOR INSP INSPIRATION INTERNAL INTESTINE INVERSION IP IPSILATERAL IR ISO ISOCENTER ISOCENTRE ISOTROPIC ITV IV KERNEL KIDNEY KIDNEYS KNEE L LARYNX LAVA LEFT LENS LESION LESIONS LIVER LOBE LOC LOCALIZER LOCALISER LOW LT LUMBAR LUNG LUNGS LYMPH
	MAGNITUDE MAMMOGRAPHY MANDIBLE MAP MARKER MASK MASS MATRIX MAXIMUM MDA MEAN MEDIASTINUM METASTASIS MIN MINIP MIP MOTION MPR MPRAGE MR MRA MRI MRS MULTI NAC NATIVE NECK NECROSIS NEG NEOPLASM NERVE NODE NODES NODULE NON NONE NORMAL NUCLEAR OBL OBLIQUE OF OFF ON OPTIC ORAL ORBIT ORBITS ORGAN OSEM OUT OUTER
	PANCREAS PARAMETRIC PAROTID PD PELVIS PELVIC PERFUSION PERITUMORAL PERIPHERAL PET PHANTOM PHASE PLAIN PLAN PLANE PLEURA PLUS PORTAL POS POST POSTCONTRAST POSTERIOR PRE PRECONTRAST PRIMARY PROJECTION PRONE PROPELLER PROSTATE PROTON PROTOCOL PROXIMAL PTV PULMONARY PULSE QUANT R RADIAL RATIO REC RECON RECONSTRUCTION RECTUM REFORMAT REGION RENAL
	RESOLUTION RESP RESPIRATORY REST RIGHT RING ROI ROUTINE RT SAG SAGITTAL SAT SCAN SCOUT SCREENING SE SECOND SEG SEGMENT SEGMENTATION SEGMENTATIONS SEMINAL SENSE SEQUENCE SERIES SHOULDER SINUS SKIN SKULL SLAB SLICE SLICES SOFT SPACE SPAIR SPECT SPGR SPIN SPINAL SPINE SPIRAL SPLEEN STANDARD STATIC STERNUM STIR STOMACH STRESS STUDY SUBTRACTION SUB SUPERIOR SUPINE SUV SWI
	T1 T1C T1CE T1GD T1W T1WI T2 T2STAR T2W T2WI TEMPORAL TENSOR TEST TFE THICK THIN THORACIC THORAX THYROID TIRM TISSUE TO TOF TOTAL TRA TRACE TRACHEA TRANS TRANSVERSE TRANSITION TSE TUMOR TUMOUR TURBO ULTRASOUND UPPER LOWER URETER URETHRA UTERUS VASCULAR VEIN VENOUS VENTRICLE VERTEBRA VESICLE VESSEL VIBE VIEW VISIT VOI VOLUME VOLUMETRIC WATER WB WEIGHTED WHOLE WIP WITH WITHOUT WO XRAY ZONE
	GE SIEMENS PHILIPS TOSHIBA CANON HITACHI MEDICAL SYSTEMS HEALTHCARE HEALTHINEERS VARIAN ELEKTA HOLOGIC UNITED IMAGING
	ABDOMEN ABD ANON ANONYMOUS ANONYMIZED PATIENT UNKNOWN SUBJECT NO YES ORIGINAL SECONDARY OTHER DICOM DEIDENTIFIED STRUCTURES
	GADOLINIUM GADOVIST GADAVIST DOTAREM MAGNEVIST OMNISCAN PROHANCE MULTIHANCE PRIMOVIST EOVIST OMNIPAQUE ULTRAVIST VISIPAQUE ISOVUE OPTIRAY IOMERON IOPAMIRO XENETIX OXILAN IODINE BARIUM`)

func words(text string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(text) {
		m[w] = true
	}
	return m
}

// measures are numbers that say how an image was made: a thickness, a field strength, a b-value, an echo.
var measures = regexp.MustCompile(`^([0-9]{1,4}(MM|CM|MS|SEC|T|KV|KVP|MA|DEG|DIR|MIN)|B[0-9]{1,4}|TE[0-9]{1,4}|TR[0-9]{1,5}|[0-9]D|T[12][A-Z]{0,4}|Z[0-9]|[0-9]|1[0-9]|20)$`)

// token is a run of letters and digits, and what stood before it.
type token struct{ before, word string }

func tokens(text string) []token {
	var out []token
	rest := text
	for {
		start := strings.IndexFunc(rest, wordRune)
		if start < 0 {
			return out
		}
		end := strings.IndexFunc(rest[start:], func(r rune) bool { return !wordRune(r) })
		if end < 0 {
			return append(out, token{rest[:start], rest[start:]})
		}
		out = append(out, token{rest[:start], rest[start : start+end]})
		rest = rest[start+end:]
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// clean leaves of a description the words of the field, measures and one small number; whole says that nothing was taken out. Where no word of the
// field is left, nothing is. Several plain numbers may be a date, and none of them stays. A word of the field that is in the patient's name goes.
func clean(text string, names identity) (left string, whole bool) {
	all := tokens(text)
	plain := 0
	for _, t := range all {
		if strings.Trim(t.word, "0123456789") == "" {
			plain++
		}
	}
	var b strings.Builder
	whole = true
	known := false // a word of the field is in it
	for _, t := range all {
		w := strings.ToUpper(t.word)
		number := strings.Trim(w, "0123456789") == ""
		if names[w] || !vocabulary[w] && (!measures.MatchString(w) || number && plain > 1) {
			whole = false
			continue
		}
		known = known || vocabulary[w]
		if b.Len() > 0 {
			if t.before == "_" || t.before == "-" {
				b.WriteString(t.before)
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteString(t.word)
	}
	switch {
	case !known:
		return "", false
	case whole && harmlessText.MatchString(text):
		return text, true
	}
	return b.String(), whole
}

// harmlessText is ASCII without escapes, backslashes and what names are put together with.
var harmlessText = regexp.MustCompile(`^[A-Za-z0-9 _.,:;+*/()\[\]-]*$`)
