"""The words that the generated world acme is made of."""

from __future__ import annotations

FIRST = tuple(
    "Amir Anna Arjun Astrid Beatriz Ben Carla Chen Chloe Dana David Diego Elena Emil Fatima Felix Freya Gita Grace"
    " Hana Hugo Ida Imran Ines Ivan Jana Jonas Julia Kenji Lara Leo Lina Lukas Maja Marco Maria Mateo Mei Mila Nadia"
    " Nils Noor Olga Omar Paul Petra Priya Rafael Rosa Sami Sara Sofia Stefan Tara Theo Tom Vera Viktor Yara"
    " Zoe".split()
)
LAST = tuple(
    "Adler Ahmed Almeida Bauer Becker Bell Berger Blanc Bosch Braun Castro Chan Conti Costa Dahl Diaz Eriksen Farah"
    " Fischer Fontaine Garcia Gruber Haas Hansen Ito Jensen Kaya Keller Khan Kim Klein Kovacs Kumar Lang Larsen Lopez"
    " Maier Marino Martin Meyer Moreau Mueller Nagy Novak Okafor Olsen Park Patel Peeters Pereira Popov Ricci Rossi"
    " Santos Sato Schmidt Silva Singh Sousa Tanaka Torres Vogel Wagner Weber Wolf Wong Yilmaz Zhang".split()
)
DEPARTMENTS = (
    "Engineering",
    "Finance",
    "HR",
    "Legal",
    "Marketing",
    "Operations",
    "Procurement",
    "Research",
    "Sales",
    "Support",
)
TOPICS = (
    "Budget",
    "Campaigns",
    "Capacity",
    "Churn",
    "Compliance",
    "Contracts",
    "Costs",
    "Deliveries",
    "Energy",
    "Forecast",
    "Headcount",
    "Incidents",
    "Inventory",
    "Margins",
    "Orders",
    "Pipeline",
    "Pricing",
    "Quality",
    "Regions",
    "Releases",
    "Revenue",
    "Satisfaction",
    "Suppliers",
    "Tickets",
    "Travel",
)
MANNERS = ("Overview", "Monthly", "Quarterly", "Details", "Trends", "Scorecard", "Monitor", "Deep Dive", "Summary")
VIEWS = ("Summary", "By Region", "By Month", "Top 20", "Map", "Details", "Forecast", "Notes")
